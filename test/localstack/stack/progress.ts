import type { Redis } from 'ioredis';
import { connectRedis } from '../../kit/state.ts';
import { CONSUMER_GROUP, type TestRegistry } from '../../kit/test-registry.ts';
import { millisecondsOf } from './id-shift.ts';

/** The progress of the consumer's group in one of its streams. */
export interface StreamProgress {
  readonly stream: string;
  /** ID of the last entry that was added to the stream. The entry may have been deleted since. */
  readonly lastId: string;
  /** Undefined if the group does not exist yet. */
  readonly lastReadId: string | undefined;
  readonly pending: number;
}

/** The progress in each existing BeeORM stream. Cheap, because no entries are read. */
export async function readProgress(registry: TestRegistry): Promise<StreamProgress[]> {
  const pool = registry.redis.get('default');
  if (pool === undefined) throw new Error('the registry has no Redis pool default');
  const redis = connectRedis(pool);
  redis.on('error', () => {}); // Redis may be restarting. The commands report the error then.
  try {
    const streams = [...registry.streamPools.keys()].filter((stream) => stream.startsWith('orm-'));
    const found = await Promise.all(streams.map((stream) => progressOf(redis, stream)));
    return found.filter((progress) => progress !== undefined);
  } finally {
    redis.disconnect();
  }
}

/** Returns whether all entries that were added have been read, and all that were read have been settled. */
export function isDone(progress: readonly StreamProgress[]): boolean {
  return progress.every(({ lastId, lastReadId, pending }) => lastReadId === lastId && pending === 0);
}

async function progressOf(redis: Redis, stream: string): Promise<StreamProgress | undefined> {
  if ((await redis.exists(stream)) === 0) return undefined;
  const { 'last-generated-id': lastId } = toFields(await redis.xinfo('STREAM', stream));
  const groups: unknown = await redis.xinfo('GROUPS', stream);
  const group = (Array.isArray(groups) ? groups : [])
    .map(toFields)
    .find(({ name }) => String(name).endsWith(CONSUMER_GROUP));
  return {
    stream,
    lastId: String(lastId),
    lastReadId: group && String(group['last-delivered-id']),
    pending: Number(group?.['pending'] ?? 0),
  };
}

/** Redis replies with `[name, value, name, value, …]`. */
function toFields(flat: unknown): Record<string, unknown> {
  if (!Array.isArray(flat)) return {};
  const names = flat.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name: unknown, index) => [String(name), flat[2 * index + 1]]));
}

export function millisecondsOfLast(progress: readonly StreamProgress[]): number {
  return Math.max(0, ...progress.map(({ lastId }) => millisecondsOf(lastId)));
}
