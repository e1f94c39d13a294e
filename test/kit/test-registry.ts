import { parse } from 'yaml';

/**
 * What tests need of a registry, read on its own so that the oracle and the readers of state share no code with the
 * product. Only the forms that the tests' registries use: `user:pass@tcp(host:port)/db`, `host:port:db[:namespace]`.
 */
export type TestRegistry = {
  /** By pool code. */
  readonly mysql: ReadonlyMap<string, TestMysqlPool>;
  /** By pool code. */
  readonly redis: ReadonlyMap<string, TestRedisPool>;
  /** Redis pool code of each registered stream. */
  readonly streamPools: ReadonlyMap<string, string>;
};

export type TestMysqlPool = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The database's name on the server. */
  readonly database: string;
  /** The same without the prefix that makes it the test's own: what expectations call it. */
  readonly schema: string;
};

export type TestRedisPool = {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  /** `namespace:` or nothing, to be put before keys, streams and groups. */
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

/** @param databasePrefix what each database's name in the registry starts with, more than expectations call it */
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
  if (port === undefined) throw new Error(`not a DSN that tests understand: ${dsn}`);
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
