import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../shared/dead-letter.ts';
import type { ChannelState } from '../../../shared/operations.ts';
import { namespaced } from '../../../shared/registry/beeorm-names.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import { timeOfStreamId } from '../../../shared/stream-id.ts';
import type { Channel } from '../channels/channel.ts';
import { connectRedis } from '../redis/connection.ts';
import { groupFacts } from '../redis/stream-status.ts';

/** Counts the remaining entries of each channel in one Redis pool. Read-only. Rejects with a ConnectionError. */
export async function readChannelStates(
  pool: RedisPool,
  registry: Pick<PollerRegistry, 'streams'>,
  channels: readonly Channel[],
): Promise<ChannelState[]> {
  const redis = await connectRedis(pool);
  try {
    const ofPool = channels.filter(({ stream }) => registry.streams.get(stream)?.redisPool === pool.code);
    return await Promise.all(ofPool.map((channel) => readChannelState(redis, pool, channel)));
  } finally {
    redis.disconnect();
  }
}

async function readChannelState(redis: Redis, pool: RedisPool, channel: Channel): Promise<ChannelState> {
  const stream = namespaced(pool, channel.stream);
  const group = namespaced(pool, channel.group);
  const deadLetters = await redis.xlen(deadLetterStream(stream));
  const names = { channel: channel.name, stream: channel.stream, group: channel.group, deadLetters };
  const facts = (await groupFacts(redis, stream)).find(({ name }) => name === group);
  const oldestUnread = await firstEntryId(
    redis,
    stream,
    facts === undefined ? '-' : `(${facts.lastDeliveredId}`,
  );
  if (facts === undefined) {
    const backlog = await redis.xlen(stream);
    return { ...names, pending: 0, backlog, oldestAgeSeconds: ageSeconds([oldestUnread]) };
  }
  const oldestPending = facts.pending === 0 ? undefined : await firstPendingId(redis, stream, group);
  const backlog = oldestUnread === undefined ? 0 : facts.lag;
  return {
    ...names,
    pending: facts.pending,
    backlog,
    oldestAgeSeconds: ageSeconds([oldestUnread, oldestPending]),
  };
}

async function firstEntryId(redis: Redis, stream: string, start: string): Promise<string | undefined> {
  const [first] = await redis.xrange(stream, start, '+', 'COUNT', 1);
  return first?.[0];
}

async function firstPendingId(redis: Redis, stream: string, group: string): Promise<string | undefined> {
  const reply = await redis.call('XPENDING', stream, group, '-', '+', '1');
  const first: unknown = Array.isArray(reply) ? reply[0] : undefined;
  return Array.isArray(first) ? String(first[0]) : undefined;
}

/** Returns the age of the oldest entry; 0 if there is none. */
function ageSeconds(ids: readonly (string | undefined)[]): number {
  const times = ids.filter((id) => id !== undefined).map(timeOfStreamId);
  return times.length === 0 ? 0 : Math.max(0, (Date.now() - Math.min(...times)) / 1000);
}
