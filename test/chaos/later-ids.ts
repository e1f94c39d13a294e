import { connectRedis } from '../kit/state.ts';
import type { TestRegistry } from '../kit/test-registry.ts';
import type { Outcome } from '../oracle/outcome.ts';

/** Transactions that are killed use up ids, so that rows get far higher ids than they get from the oracle. */
const SKIPPED_IDS = 2500;

/** Sets the cache keys of rows that are yet to be inserted, for every id that they may get, to see them deleted. */
export async function plantKeysOfLaterIds(
  registry: TestRegistry,
  { deletedKeys, autoIds }: Outcome,
): Promise<void> {
  const maxId = SKIPPED_IDS + Math.max(0, ...[...autoIds.values()].map((ids) => ids.size));
  const prefixes = new Map<string, Set<string>>();
  for (const { pool, key, row } of deletedKeys) {
    if (row === undefined || autoIds.get(row.table)?.has(row.id) !== true) continue;
    const poolPrefixes = prefixes.get(pool) ?? new Set();
    prefixes.set(pool, poolPrefixes.add(key.slice(0, -row.id.length)));
  }
  for (const [pool, poolPrefixes] of prefixes) await plant(registry, pool, poolPrefixes, maxId);
}

async function plant(
  registry: TestRegistry,
  code: string,
  prefixes: ReadonlySet<string>,
  maxId: number,
): Promise<void> {
  const pool = registry.redis.get(code);
  if (pool === undefined) return;
  const redis = connectRedis(pool);
  const pipeline = redis.pipeline();
  for (const prefix of prefixes)
    for (let id = 1; id <= maxId; id += 1) pipeline.set(`${prefix}${id}`, 'planted');
  await pipeline.exec();
  redis.disconnect();
}
