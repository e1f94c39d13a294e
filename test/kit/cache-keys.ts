import type { CacheKey, Outcome } from '../oracle/outcome.ts';
import { connectRedis } from './state.ts';
import type { TestRegistry } from './test-registry.ts';

/** Failed inserts use up ids, so a key that ends in an id is also created for this many ids from that one on. */
const IDS_PER_KEY = 20;

/** Creates every cache key that a history names, so that a test can see its deletion. Call it before the drain. */
export async function plantCacheKeys(
  registry: TestRegistry,
  { deletedKeys, keptKeys }: Outcome,
): Promise<void> {
  const keys = [...deletedKeys, ...keptKeys].flatMap(withLaterIds);
  for (const [code, pool] of registry.redis) {
    const redis = connectRedis(pool);
    const pipeline = redis.pipeline();
    for (const key of keys) if (key.pool === code) pipeline.set(key.key, 'planted');
    await pipeline.exec();
    redis.disconnect();
  }
}

function withLaterIds({ pool, key, row }: CacheKey): CacheKey[] {
  if (row === undefined) return [{ pool, key }];
  const prefix = key.slice(0, -row.id.length);
  return Array.from({ length: IDS_PER_KEY }, (_, step) => ({
    pool,
    key: prefix + (BigInt(row.id) + BigInt(step)),
  }));
}
