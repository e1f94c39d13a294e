import { connectRedis } from '../kit/state.ts';
import type { TestRegistry } from '../kit/test-registry.ts';
import type { Outcome } from '../oracle/outcome.ts';

/** Transactions that are killed use up ids, so that rows get far higher ones than those of the oracle. */
const LATER_IDS = 2500;

/** Sets the cache keys of rows to come under every id that they may get, so that their deletion can be seen. */
export async function plantKeysOfLaterIds(
  registry: TestRegistry,
  { deletedKeys, autoIds }: Outcome,
): Promise<void> {
  const prefixes = new Map<string, Set<string>>();
  for (const { pool, key, row } of deletedKeys) {
    if (row === undefined || autoIds.get(row.table)?.has(row.id) !== true) continue;
    const ofPool = prefixes.get(pool) ?? new Set();
    prefixes.set(pool, ofPool.add(key.slice(0, -row.id.length)));
  }
  for (const [pool, its] of prefixes) await plant(registry, pool, its);
}

async function plant(registry: TestRegistry, code: string, prefixes: ReadonlySet<string>): Promise<void> {
  const pool = registry.redis.get(code);
  if (pool === undefined) return;
  const redis = connectRedis(pool);
  const pipeline = redis.pipeline();
  for (const prefix of prefixes)
    for (let id = 1; id <= LATER_IDS; id += 1) pipeline.set(`${prefix}${id}`, 'planted');
  await pipeline.exec();
  redis.disconnect();
}
