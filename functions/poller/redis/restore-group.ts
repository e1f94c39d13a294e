import type { Redis } from 'ioredis';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import type { FencedGroup } from './fenced-group.ts';
import { REQUIRE_LOCK, Script } from './script.ts';

/**
 * Creates the group and makes entries pending in it, in one step. An entry that is no longer in the stream cannot become
 * pending again.
 */
const RESTORE = new Script(`${REQUIRE_LOCK}
local stream, group, consumer, start = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local created = redis.pcall('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM')
if created['err'] then
  if string.find(created['err'], 'BUSYGROUP') then return 0 end
  return created
end
for index = 7, #ARGV do
  redis.call('XCLAIM', stream, group, consumer, 0, ARGV[index], 'RETRYCOUNT', 1, 'FORCE', 'JUSTID')
end
return 1
`);

/**
 * Restores a group that was destroyed, alone or with its stream, while this consumer read it: the group continues after
 * `lastRead`, and the entries in hand are pending again. So no entry is delivered twice, and none is forgotten. A stream
 * that was deleted and begins again, with lower IDs, is read from its beginning.
 *
 * @returns the entry after which the group continues
 */
export async function restoreGroup(
  redis: Redis,
  group: FencedGroup,
  lastRead: string,
  inHand: readonly string[],
): Promise<string> {
  const isSameStream = compareStreamIds(await lastGenerated(redis, group.stream), lastRead) >= 0;
  const { lockKey, lockValue, stream, group: name, consumer } = group;
  const start = isSameStream ? lastRead : '0';
  await RESTORE.run(redis, [
    lockKey,
    lockValue,
    stream,
    name,
    consumer,
    start,
    ...(isSameStream ? inHand : []),
  ]);
  return start;
}

async function lastGenerated(redis: Redis, stream: string): Promise<string> {
  const reply = await redis.call('XINFO', 'STREAM', stream).catch((error: unknown) => {
    if (error instanceof Error && error.message.includes('no such key')) return [];
    throw error;
  });
  const facts: readonly unknown[] = Array.isArray(reply) ? reply : [];
  const id = facts[facts.indexOf('last-generated-id') + 1];
  return typeof id === 'string' ? id : '0-0';
}
