import type { CacheKey, Outcome } from '../oracle/outcome.ts';
import { connectRedis } from './state.ts';
import type { TestRegistry } from './test-registry.ts';

/** Failed inserts may push ids up, so a key that ends in an id is planted for so many ids. */
const NEIGHBOURS = 20;

/** Sets every cache key that a history names, so that its deletion can be seen. To be called before the drain. */
export async function plantCacheKeys(
  registry: TestRegistry,
  { deletedKeys, keptKeys }: Outcome,
): Promise<void> {
  const keys = [...deletedKeys, ...keptKeys].flatMap(withNeighbours);
  for (const [code, pool] of registry.redis) {
    const redis = connectRedis(pool);
    const pipeline = redis.pipeline();
    for (const key of keys) if (key.pool === code) pipeline.set(key.key, 'planted');
    await pipeline.exec();
    redis.disconnect();
  }
}

function withNeighbours({ pool, key, row }: CacheKey): CacheKey[] {
  if (row === undefined) return [{ pool, key }];
  const prefix = key.slice(0, -row.id.length);
  return Array.from({ length: NEIGHBOURS }, (_, step) => ({
    pool,
    key: prefix + (BigInt(row.id) + BigInt(step)),
  }));
}
