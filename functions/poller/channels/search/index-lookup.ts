import { DEFAULT_POOL, namespaced } from '../../../../shared/registry/beeorm-names.ts';
import type { RedisPool } from '../../../../shared/registry/types.ts';
import type { IndexSettings, SearchSettings } from '../../../../shared/search-settings.ts';
import { type IndexInfo, readIndexInfo } from './index-info.ts';
import { defineIndex, type SearchIndex, tableOf } from './search-index.ts';
import type { SearchPools } from './search-pools.ts';
import type { TableReader } from './table-reader.ts';

export interface IndexLookupOptions {
  readonly settings: SearchSettings;
  readonly registry: {
    readonly mysqlPools: { has(code: string): boolean };
    readonly redisPools: ReadonlyMap<string, RedisPool>;
  };
  readonly pools: SearchPools;
  readonly tables: TableReader;
}

/** `unknown`: neither the settings nor any Redis pool has the index. `problem`: why it cannot be derived. */
export type LookedUpIndex = SearchIndex | { readonly problem: string } | 'unknown';

interface IndexLocation {
  readonly pool: RedisPool;
  readonly info: IndexInfo | undefined;
}

/** Derives the table, fields and Redis pool of an index. Rejects if a required server does not answer. */
export async function lookUpIndex(name: string, options: IndexLookupOptions): Promise<LookedUpIndex> {
  const { indexes = {} } = options.settings;
  const known = Object.hasOwn(indexes, name) ? indexes[name] : undefined;
  const settings = known ?? {};
  const location = await locateIndex(name, settings, options);
  if (location === undefined) {
    if (known === undefined) return 'unknown';
    return {
      problem: `no Redis pool has the index: set redisPool in its settings, for example to '${DEFAULT_POOL}'`,
    };
  }
  if ('problem' in location) return location;
  const { mysqlPool, table } = tableOf(name, settings);
  if (!options.registry.mysqlPools.has(mysqlPool))
    return { problem: `the registry has no MySQL pool '${mysqlPool}'` };
  const columns = await options.tables.columns(mysqlPool, table);
  return defineIndex({ name, settings, redisPool: location.pool, info: location.info, columns });
}

async function locateIndex(
  name: string,
  settings: IndexSettings,
  { registry, pools }: IndexLookupOptions,
): Promise<IndexLocation | { readonly problem: string } | undefined> {
  const inspect = async (pool: RedisPool): Promise<IndexLocation> => ({
    pool,
    info: await readIndexInfo(await pools.connect(pool), namespaced(pool, name)),
  });
  if (settings.redisPool !== undefined) {
    const pool = registry.redisPools.get(settings.redisPool);
    return pool === undefined
      ? { problem: `the registry has no Redis pool '${settings.redisPool}'` }
      : inspect(pool);
  }
  // RediSearch supports only database 0, but its commands find the same indexes from all databases of that server.
  const candidates = [...registry.redisPools.values()].filter(({ database }) => database === 0);
  const answers = await Promise.allSettled(candidates.map(inspect));
  const locations = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const found = locations.find(({ info }) => info !== undefined);
  const failure = answers.find((answer) => answer.status === 'rejected');
  // The index may be in a pool that did not answer.
  if (found === undefined && failure !== undefined) throw failure.reason;
  return found;
}
