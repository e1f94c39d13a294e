import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../shared/dead-letter.ts';
import type { StageFailure } from '../../../shared/operations.ts';
import {
  CONSUMER_NAME,
  GARBAGE_STREAM,
  garbageCollectionKey,
  lockKey,
  namespaced,
} from '../../../shared/registry/beeorm-names.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import type { Channel } from '../channels/channel.ts';
import { attemptsKey } from '../redis/attempt-counts.ts';
import { connectRedis } from '../redis/connection.ts';
import { describeRefusal, errorCodeOf, isRefusalOfServer, type RefusedCommand } from '../redis/refusals.ts';
import { Script } from '../redis/script.ts';
import { MARKERS_KEY } from '../settlement/cross-pool-effects.ts';

/** A command with arguments that make it change nothing, and the key that it names. */
interface Rehearsal {
  readonly key: string;
  readonly command: readonly [name: string, ...args: string[]];
}

/**
 * Redis checks the permissions and its own condition before it looks at the arguments of a command. A command with an
 * invalid argument therefore fails in another way than one that is refused. XADD comes first: it is the one that a full
 * Redis refuses, but only as the first write of a script. DEL has no invalid argument, so only an absent key is deleted.
 */
const REHEARSE = new Script(`
local position, errors = 0, {}
while position < #ARGV do
  local count = tonumber(ARGV[position + 1])
  local command = {unpack(ARGV, position + 2, position + 1 + count)}
  local isSkipped = command[1] == 'DEL' and redis.pcall('GET', command[2]) ~= false
  local reply = isSkipped or redis.pcall(unpack(command))
  errors[#errors + 1] = type(reply) == 'table' and reply.err or ''
  position = position + 1 + count
end
return errors
`);

export interface RehearsalOptions {
  readonly registry: Pick<PollerRegistry, 'streams'>;
  readonly channels: readonly Channel[];
  /** True if entries of other pools may have effects in this one. */
  readonly hasOtherPools: boolean;
}

/** Returns why Redis would refuse what a drain does in this pool; undefined if it would not. Changes nothing. */
export async function rehearseDrain(
  pool: RedisPool,
  options: RehearsalOptions,
): Promise<StageFailure | undefined> {
  const redis = await connectRedis(pool);
  try {
    return await rehearse(redis, pool, rehearsalsOf(pool, options));
  } finally {
    redis.disconnect();
  }
}

async function rehearse(
  redis: Redis,
  pool: RedisPool,
  rehearsals: readonly Rehearsal[],
): Promise<StageFailure | undefined> {
  const args = rehearsals.flatMap(({ command }) => [command.length, ...command]);
  const reply = await REHEARSE.run(redis, args);
  const errors: unknown[] = Array.isArray(reply) ? reply : [];
  const refused = rehearsals.flatMap(({ key, command: [name] }, index): RefusedCommand[] => {
    const code = errorCodeOf(String(errors[index]));
    return code === 'NOPERM' || isRefusalOfServer(code) ? [{ command: name, key, code }] : [];
  });
  return toFailure(pool.code, refused);
}

function toFailure(pool: string, refused: readonly RefusedCommand[]): StageFailure | undefined {
  const [first] = refused;
  if (first === undefined) return undefined;
  const { code } = first;
  if (isRefusalOfServer(code)) return { stage: 'server', code, ...describeRefusal(pool, code) };
  const { message, nextStep } = describeRefusal(pool, code, first);
  const others = refused.slice(1).map(({ command, key }) => `${command} on '${key}'`);
  const more = others.length === 0 ? '' : `; also refused: ${others.join(', ')}`;
  return { stage: 'permission', code, message: `${message}${more}`, nextStep };
}

/** What a drain needs, in the order in which it should be reported. */
function rehearsalsOf(
  pool: RedisPool,
  { registry: { streams }, channels, hasOtherPools }: RehearsalOptions,
): Rehearsal[] {
  const names = [...streams.values()]
    .filter(({ redisPool }) => redisPool === pool.code)
    .map(({ name }) => name);
  const ofPool = channels.filter(({ stream }) => names.includes(stream));
  const groups = [...new Set(ofPool.map(({ group }) => group))];
  const garbageGroups = channels.some(({ stream }) => stream === GARBAGE_STREAM) ? groups : [];
  return [
    ...names.flatMap((name) => publicationCommands(namespaced(pool, name))),
    ...ofPool.flatMap(({ stream, group }) =>
      channelCommands(namespaced(pool, stream), namespaced(pool, group)),
    ),
    ...groups.flatMap((group) => lockCommands(namespaced(pool, lockKey(group)))),
    ...ofPool.flatMap(({ stream, group }) => {
      const names = { lockKey: namespaced(pool, lockKey(group)), stream: namespaced(pool, stream) };
      return attemptCommands(attemptsKey(names));
    }),
    ...garbageGroups.flatMap((group) => keyCommands(namespaced(pool, garbageCollectionKey(group)))),
    ...(hasOtherPools ? markerCommands(namespaced(pool, MARKERS_KEY)) : []),
    // The application chooses the names of its cache keys, so this one stands for all.
    rehearsal(namespaced(pool, CACHE_KEY), 'UNLINK'),
  ];
}

const CACHE_KEY = 'background-consumer:any-cache-key';
const INVALID = 'x';

function rehearsal(key: string, name: string, ...args: string[]): Rehearsal {
  return { key, command: [name, key, ...args] };
}

function publicationCommands(stream: string): Rehearsal[] {
  return [
    rehearsal(stream, 'XADD', '0-0', 's', ''),
    rehearsal(stream, 'TYPE'),
    { key: stream, command: ['XINFO', 'STREAM', stream] },
  ];
}

function channelCommands(stream: string, group: string): Rehearsal[] {
  const deadLetters = deadLetterStream(stream);
  return [
    rehearsal(deadLetters, 'XADD', '0-0', 's', ''),
    rehearsal(deadLetters, 'XDEL', '0-0'),
    rehearsal(deadLetters, 'TYPE'),
    rehearsal(deadLetters, 'XRANGE', INVALID, INVALID),
    rehearsal(deadLetters, 'XREVRANGE', INVALID, INVALID),
    { key: stream, command: ['XREADGROUP', 'GROUP', group, CONSUMER_NAME, 'STREAMS', stream, INVALID] },
    { key: stream, command: ['XREAD', 'STREAMS', stream, INVALID] },
    rehearsal(stream, 'XACK', group, '0-0'),
    rehearsal(stream, 'XPENDING', group, INVALID, INVALID, '1'),
    rehearsal(stream, 'XRANGE', INVALID, INVALID),
    rehearsal(stream, 'XCLAIM', group, CONSUMER_NAME, '0', INVALID, 'JUSTID'),
    { key: stream, command: ['XGROUP', 'CREATE', stream, group, INVALID] },
    { key: stream, command: ['XGROUP', 'SETID', stream, group, INVALID] },
    rehearsal(stream, 'XTRIM', 'MINID', INVALID),
  ];
}

function lockCommands(lock: string): Rehearsal[] {
  return [lock, `${lock}:holder`, `${lock}:ledger`].flatMap(keyCommands);
}

function keyCommands(key: string): Rehearsal[] {
  return [
    rehearsal(key, 'GET'),
    rehearsal(key, 'SET', '', 'NX', 'XX'),
    rehearsal(key, 'PEXPIRE', INVALID),
    rehearsal(key, 'PTTL'),
    rehearsal(key, 'DEL'),
  ];
}

function attemptCommands(hash: string): Rehearsal[] {
  return [...hashCommands(hash), rehearsal(hash, 'DEL')];
}

function markerCommands(hash: string): Rehearsal[] {
  return [...hashCommands(hash), rehearsal(hash, 'HSCAN', INVALID)];
}

function hashCommands(hash: string): Rehearsal[] {
  return [
    rehearsal(hash, 'HGET', ''),
    rehearsal(hash, 'HDEL', ''),
    // A value is missing.
    rehearsal(hash, 'HSET', 'a', 'b', 'c'),
  ];
}
