import type { Redis } from 'ioredis';
import { connectRedis } from '../../kit/state.ts';
import { CONSUMER_GROUP, type TestRegistry } from '../../kit/test-registry.ts';
import { millisecondsOf } from './id-shift.ts';

/** What the consumer's group has done with a stream of its own. */
export interface StreamProgress {
  readonly stream: string;
  /** Id of the stream's last entry, which may be gone. */
  readonly lastId: string;
  /** Undefined where there is no group yet. */
  readonly lastRead: string | undefined;
  readonly pending: number;
}

/** Of BeeORM's streams that exist. Cheap: nothing is read. */
export async function readProgress(registry: TestRegistry): Promise<StreamProgress[]> {
  const pool = registry.redis.get('default');
  if (pool === undefined) throw new Error('the registry has no Redis pool default');
  const redis = connectRedis(pool);
  redis.on('error', () => {}); // It may be about to restart: then the commands tell.
  try {
    const streams = [...registry.streamPools.keys()].filter((stream) => stream.startsWith('orm-'));
    const found = await Promise.all(streams.map((stream) => progressOf(redis, stream)));
    return found.filter((progress) => progress !== undefined);
  } finally {
    redis.disconnect();
  }
}

/** Everything that was written is read, and everything that was read is settled. */
export function isDone(progress: readonly StreamProgress[]): boolean {
  return progress.every(({ lastId, lastRead, pending }) => lastRead === lastId && pending === 0);
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
    lastRead: group && String(group['last-delivered-id']),
    pending: Number(group?.['pending'] ?? 0),
  };
}

/** Redis answers `[name, value, name, value, …]`. */
function toFields(flat: unknown): Record<string, unknown> {
  if (!Array.isArray(flat)) return {};
  const names = flat.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(names.map((name: unknown, index) => [String(name), flat[2 * index + 1]]));
}

export function millisecondsOfLast(progress: readonly StreamProgress[]): number {
  return Math.max(0, ...progress.map(({ lastId }) => millisecondsOf(lastId)));
}
