import { MYSQL_DSN_FORM, maskMysqlDsn, parseMysqlDsn } from './mysql-dsn.ts';
import type { PoolSettings } from './pool-settings.ts';
import { describeKind, type ProblemCollector, quote } from './problem-collector.ts';
import type { Parsed } from './problems.ts';
import { maskRedisUri, parseRedisUri, parseSentinel, REDIS_URI_FORM, SENTINEL_FORM } from './redis-uri.ts';
import type { MysqlAddress, RedisAddress } from './types.ts';

/** Reads a pool's `mysql`: in BeeORM v1 the DSN itself, in v2 a map with the DSN under `uri`. */
export function readMysqlAddress(
  code: string,
  mysql: unknown,
  problems: ProblemCollector,
): MysqlAddress | undefined {
  const isMap = typeof mysql === 'object' && mysql !== null && 'uri' in mysql;
  const path = isMap ? [code, 'mysql', 'uri'] : [code, 'mysql'];
  const dsn: unknown = isMap ? mysql.uri : mysql;
  if (typeof dsn !== 'string' || dsn === '') {
    problems.add(path, describeKind(dsn), `the address of a MySQL server: ${MYSQL_DSN_FORM}`);
    return undefined;
  }
  return valueOrProblem(parseMysqlDsn(dsn), path, () => quote(maskMysqlDsn(dsn)), problems);
}

/** Reads a pool's `sentinel`, or otherwise its `redis`; `undefined` if it has neither. */
export function readRedisAddress(
  code: string,
  { redis, sentinel }: PoolSettings,
  problems: ProblemCollector,
): RedisAddress | undefined {
  // If a pool has both, BeeORM picks either at random. Prefer the sentinels: they know the master after a failover.
  if (sentinel !== undefined) return readSentinel(code, sentinel, problems);
  if (redis === undefined) return undefined;
  const path = [code, 'redis'];
  if (typeof redis !== 'string' || redis === '') {
    problems.add(path, describeKind(redis), `the address of a Redis server: ${REDIS_URI_FORM}`);
    return undefined;
  }
  return valueOrProblem(parseRedisUri(redis), path, () => quote(maskRedisUri(redis)), problems);
}

function readSentinel(code: string, value: unknown, problems: ProblemCollector): RedisAddress | undefined {
  const path = [code, 'sentinel'];
  const masters = problems.mapOf(path, value, SENTINEL_FORM);
  if (!masters) return undefined;
  const entries = Object.entries(masters);
  const [first] = entries;
  if (!first || entries.length > 1) {
    problems.add(path, `a map with ${entries.length} keys`, SENTINEL_FORM);
    return undefined;
  }
  const [key, addresses] = first;
  const parsed = parseSentinel(key, Array.isArray(addresses) ? addresses : []);
  return valueOrProblem(parsed, [...path, key], () => describeKind(addresses), problems);
}

function valueOrProblem<Value>(
  parsed: Parsed<Value>,
  path: readonly string[],
  found: () => string,
  problems: ProblemCollector,
): Value | undefined {
  if ('value' in parsed) return parsed.value;
  problems.add(path, found(), parsed.expected);
  return undefined;
}
