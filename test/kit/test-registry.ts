import { parse } from 'yaml';

/**
 * The parts of a registry that tests need. It has its own parser, so that the oracle and `readState` share no code with
 * the consumer. It supports only the address forms in the tests' registries: `user:pass@tcp(host:port)/db` and
 * `host:port:db[:namespace]`.
 */
export type TestRegistry = {
  /** By pool code. */
  readonly mysql: ReadonlyMap<string, TestMysqlPool>;
  /** By pool code. */
  readonly redis: ReadonlyMap<string, TestRedisPool>;
  /** The code of the Redis pool of each registered stream. */
  readonly streamPools: ReadonlyMap<string, string>;
};

export type TestMysqlPool = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The database's name on the server. */
  readonly database: string;
  /** The database's name without the test's prefix, as expectations call it. */
  readonly schema: string;
};

export type TestRedisPool = {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  /** The prefix of keys, streams and groups: `namespace:`, or empty. */
  readonly prefix: string;
};

export const LAZY_STREAM = 'orm-lazy-channel';
export const LOG_STREAM = 'orm-log-channel';
export const CONSUMER_GROUP = 'orm-async-consumer';

const BUILT_IN_STREAMS = [
  LAZY_STREAM,
  LOG_STREAM,
  'orm-redis-search-channel',
  'orm-stream-garbage-collector',
];

/** @param databasePrefix the test's prefix of the database names in the registry, which expectations don't contain */
export function readTestRegistry(yaml: string, databasePrefix = ''): TestRegistry {
  const mysql = new Map<string, TestMysqlPool>();
  const redis = new Map<string, TestRedisPool>();
  const streamPools = new Map(BUILT_IN_STREAMS.map((stream) => [stream, 'default']));
  const pools: Record<string, PoolYaml> = parse(yaml);
  for (const [code, pool] of Object.entries(pools)) {
    if (pool.mysql !== undefined) mysql.set(code, readMysqlPool(pool.mysql, databasePrefix));
    if (pool.redis !== undefined) redis.set(code, readRedisPool(pool.redis));
    for (const stream of Object.keys(pool.streams ?? {})) streamPools.set(stream, code);
  }
  return { mysql, redis, streamPools };
}

type PoolYaml = { mysql?: string; redis?: string; streams?: Record<string, string[]> };

function readMysqlPool(dsn: string, databasePrefix: string): TestMysqlPool {
  const parts =
    /^(?<user>[^:]*):(?<password>[^@]*)@tcp\((?<host>[^:]+):(?<port>\d+)\)\/(?<database>\w+)/.exec(dsn);
  const { user = '', password = '', host = '', port, database = '' } = parts?.groups ?? {};
  if (port === undefined) throw new Error(`the test registry does not support this DSN: ${dsn}`);
  const schema = database.startsWith(databasePrefix) ? database.slice(databasePrefix.length) : database;
  return { host, port: Number(port), user, password, database, schema };
}

function readRedisPool(address: string): TestRedisPool {
  const [host = '', port, db = '0', namespace] = address.split(':');
  return {
    host,
    port: Number(port),
    db: Number(db),
    prefix: namespace === undefined ? '' : `${namespace}:`,
  };
}
