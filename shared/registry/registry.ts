import type { PoolSettings, PoolSettingsByCode } from './pool-settings.ts';
import { describeKind, ProblemCollector } from './problem-collector.ts';
import { readMysqlAddress, readRedisAddress } from './servers.ts';
import { readStreams } from './streams.ts';
import type { MysqlPool, RedisPool, Registry } from './types.ts';
import { parseYaml } from './yaml-document.ts';

export { RegistryError } from './problems.ts';
export type * from './types.ts';

/**
 * Parses a registry in the YAML of BeeORM v1 or v2. Keys that don't concern a consumer are ignored.
 *
 * @param source its name in error messages, such as the path of the file
 * @throws RegistryError that lists all problems, without passwords
 */
export function parseRegistry(text: string, source: string): Registry {
  const document = parseYaml(text, source);
  const problems = new ProblemCollector(source, document);
  const pools = readPools(document.value, problems);
  const registry = {
    source,
    mysqlPools: readMysqlPools(pools, problems),
    redisPools: readRedisPools(pools, problems),
    streams: readStreams(pools, problems),
  };
  problems.throwIfAny();
  return registry;
}

function readPools(value: unknown, problems: ProblemCollector): PoolSettingsByCode {
  const topLevel = problems.mapOf([], value, 'a map of pool codes to their settings');
  if (!topLevel) problems.throwIfAny();
  const pools = new Map<string, PoolSettings>();
  for (const [code, settings] of Object.entries(topLevel ?? {}))
    pools.set(code, problems.mapOf([code], settings, 'a map of settings such as mysql and redis') ?? {});
  return pools;
}

function readMysqlPools(pools: PoolSettingsByCode, problems: ProblemCollector): Map<string, MysqlPool> {
  const encoding = firstString(pools, 'mysqlEncoding', problems);
  const collate = firstString(pools, 'mysqlCollate', problems);
  const characters = { ...(encoding && { encoding }), ...(collate && { collate }) };
  const mysqlPools = new Map<string, MysqlPool>();
  for (const [code, { mysql }] of pools) {
    const address = mysql === undefined ? undefined : readMysqlAddress(code, mysql, problems);
    if (address) mysqlPools.set(code, { code, ...address, ...characters });
  }
  return mysqlPools;
}

function readRedisPools(pools: PoolSettingsByCode, problems: ProblemCollector): Map<string, RedisPool> {
  const redisPools = new Map<string, RedisPool>();
  for (const [code, settings] of pools) {
    const address = readRedisAddress(code, settings, problems);
    if (address) redisPools.set(code, { code, ...address });
  }
  return redisPools;
}

/** A setting that applies to the whole registry, under whichever pool it is. The first one counts. */
function firstString(
  pools: PoolSettingsByCode,
  key: 'mysqlEncoding' | 'mysqlCollate',
  problems: ProblemCollector,
): string | undefined {
  let first: string | undefined;
  for (const [code, settings] of pools) {
    const value = settings[key];
    if (typeof value === 'string') first ??= value;
    else if (value !== undefined) problems.add([code, key], describeKind(value), 'a string');
  }
  return first;
}
