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

/** `unknown`: neither the settings nor any Redis pool know it. `problem`: why it can't be told what it consists of. */
export type LookedUpIndex = SearchIndex | { readonly problem: string } | 'unknown';

interface Place {
  readonly pool: RedisPool;
  readonly info: IndexInfo | undefined;
}

/** Finds out what an index consists of. Rejects where a server that must be asked doesn't answer. */
export async function lookUpIndex(name: string, options: IndexLookupOptions): Promise<LookedUpIndex> {
  const { indexes = {} } = options.settings;
  const known = Object.hasOwn(indexes, name) ? indexes[name] : undefined;
  const settings = known ?? {};
  const place = await findPlace(name, settings, options);
  if (place === undefined) {
    if (known === undefined) return 'unknown';
    return {
      problem: `no Redis pool has the index: its settings must name redisPool '${DEFAULT_POOL}' or another`,
    };
  }
  if ('problem' in place) return place;
  const { mysqlPool, table } = tableOf(name, settings);
  if (!options.registry.mysqlPools.has(mysqlPool))
    return { problem: `the registry has no MySQL pool '${mysqlPool}'` };
  const columns = await options.tables.columns(mysqlPool, table);
  return defineIndex({ name, settings, redisPool: place.pool, info: place.info, columns });
}

async function findPlace(
  name: string,
  settings: IndexSettings,
  { registry, pools }: IndexLookupOptions,
): Promise<Place | { readonly problem: string } | undefined> {
  const ask = async (pool: RedisPool): Promise<Place> => ({
    pool,
    info: await readIndexInfo(await pools.connect(pool), namespaced(pool, name)),
  });
  if (settings.redisPool !== undefined) {
    const pool = registry.redisPools.get(settings.redisPool);
    return pool === undefined
      ? { problem: `the registry has no Redis pool '${settings.redisPool}'` }
      : ask(pool);
  }
  // RediSearch knows database 0 alone, and would find its indexes for pools in other databases of that server too.
  const candidates = [...registry.redisPools.values()].filter(({ database }) => database === 0);
  const answers = await Promise.allSettled(candidates.map(ask));
  const places = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const found = places.find(({ info }) => info !== undefined);
  const silent = answers.find((answer) => answer.status === 'rejected');
  // Where a pool was silent, the index may be there.
  if (found === undefined && silent !== undefined) throw silent.reason;
  return found;
}
