import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { CONSUMER_NAME, lockKey, namespaced } from '../../../shared/registry/beeorm-names.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import { connectRedis } from './connection.ts';
import type { FencedGroup } from './fenced-group.ts';
import { Lock, type LockHolder } from './lock.ts';
import { WriteScript } from './refusable-writes.ts';
import { RefusalError } from './refusals.ts';
import { setIfAbsent } from './set-if-absent.ts';
import { type GroupFacts, groupFacts } from './stream-status.ts';

/** A Redis pool whose streams this drain may read: connected and locked. */
export interface RedisSession {
  readonly redis: Redis;
  readonly lock: Lock;
  /** The random name under which this consumer's ledger rows are stored. It changes after Redis is flushed. */
  readonly consumer: string;
  /** By stream, as named in the registry. */
  readonly groups: ReadonlyMap<string, FencedGroup>;
  /** By stream: the last entry delivered, as Redis knew it when the session began. Absent for the failed streams. */
  readonly lastDelivered: ReadonlyMap<string, string>;
  /** By stream: why it cannot be read. */
  readonly failed: ReadonlyMap<string, unknown>;
}

/**
 * Connects, acquires the group's lock and creates the group on streams that lack it. Resolves with the holder if another
 * consumer holds the lock. A stream that fails does not prevent the use of the others.
 * @throws ConnectionError if Redis cannot be reached, or Redis' error if every stream fails
 */
export async function openRedisSession(
  pool: RedisPool,
  groupName: string,
  streams: readonly string[],
  lockTtlMs: number,
  lockValue: string,
): Promise<RedisSession | { readonly lockedBy: LockHolder }> {
  const redis = await connectRedis(pool);
  const lock = new Lock(redis, namespaced(pool, lockKey(groupName)), lockTtlMs, lockValue);
  try {
    const lockedBy = await lock.acquire(`background-consumer on ${hostname()}, process ${process.pid}`);
    if (lockedBy !== undefined) {
      redis.disconnect();
      return { lockedBy };
    }
    const groups = new Map<string, FencedGroup>();
    const lastDelivered = new Map<string, string>();
    const failed = new Map<string, unknown>();
    for (const stream of streams) {
      const group = fencedGroup(pool, groupName, stream, lock);
      groups.set(stream, group);
      try {
        lastDelivered.set(stream, (await ensureGroup(redis, group)).lastDeliveredId);
      } catch (error) {
        failed.set(stream, error);
        if (redis.status !== 'ready' || failed.size === streams.length) throw error;
      }
    }
    return { redis, lock, consumer: await consumerName(redis, lock), groups, lastDelivered, failed };
  } catch (error) {
    // Otherwise other consumers would wait for an unused lock until it expires. Has no effect if the lock is not ours.
    await lock.release().catch(() => undefined);
    redis.disconnect();
    throw error;
  }
}

function fencedGroup(pool: RedisPool, groupName: string, stream: string, lock: Lock): FencedGroup {
  return {
    lockKey: lock.key,
    lockValue: lock.value,
    stream: namespaced(pool, stream),
    group: namespaced(pool, groupName),
    consumer: CONSUMER_NAME,
  };
}

/** Begins with XACK, which needs no memory, so that Redis accepts the rest even if it is full. */
const CREATE_GROUP = new WriteScript(`
attempt(ARGV[1], 'XACK', ARGV[1], ARGV[2], '0-0')
return attempt(ARGV[1], 'XGROUP', 'CREATE', ARGV[1], ARGV[2], '0', 'MKSTREAM')
`);

/** Starts at the beginning of the stream, as in BeeORM: entries added before the group existed must be handled too. */
export async function ensureGroup(redis: Redis, { stream, group }: FencedGroup): Promise<GroupFacts> {
  const find = async () => (await groupFacts(redis, stream)).find(({ name }) => name === group);
  const known = await find();
  if (known !== undefined) return known;
  await CREATE_GROUP.run(redis, [stream, group]).catch((error: unknown) => {
    if (!(error instanceof RefusalError) || error.refused.code !== 'BUSYGROUP') throw error;
  });
  return (await find()) ?? { name: group, pending: 0, lastDeliveredId: '0-0', lag: null };
}

async function consumerName(redis: Redis, lock: Lock): Promise<string> {
  const key = `${lock.key}:ledger`;
  await setIfAbsent(redis, key, randomBytes(12).toString('base64url'));
  return (await redis.get(key)) ?? '';
}
