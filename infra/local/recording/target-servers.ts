import { isMap, parseDocument } from 'yaml';

/** The servers that replace those of a recording. */
export interface TargetServers {
  readonly mysql: MysqlAddress;
  /** Address for a Redis pool of the registry, by its code. */
  readonly redis: (pool: string) => RedisAddress;
  /** Prefix of each database name, so that one server can contain several recordings. Default: none. */
  readonly databasePrefix?: string;
}

export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly password?: string | undefined;
}

/** Returns the registry with the new addresses of its MySQL and Redis pools, otherwise unchanged. */
export function retargetRegistry(registryYaml: string, targets: TargetServers): string {
  const document = parseDocument(registryYaml);
  for (const pool of poolCodes(registryYaml)) {
    const dsn = document.getIn([pool, 'mysql']);
    if (typeof dsn === 'string') document.setIn([pool, 'mysql'], retargetDsn(dsn, targets));
    if (document.hasIn([pool, 'redis'])) document.setIn([pool, 'redis'], redisAddress(targets.redis(pool)));
  }
  return document.toString();
}

/** Codes of the Redis pools of a registry. */
export function redisPoolCodes(registryYaml: string): string[] {
  const document = parseDocument(registryYaml);
  return poolCodes(registryYaml).filter((pool) => document.hasIn([pool, 'redis']));
}

function poolCodes(registryYaml: string): string[] {
  const { contents } = parseDocument(registryYaml);
  return isMap(contents) ? contents.items.map(({ key }) => String(key)) : [];
}

function retargetDsn(dsn: string, { mysql, databasePrefix = '' }: TargetServers): string {
  const database = dsn.slice(dsn.lastIndexOf('/') + 1);
  return `${mysql.user}:${mysql.password}@tcp(${mysql.host}:${mysql.port})/${databasePrefix}${database}`;
}

function redisAddress({ host, port, database, password }: RedisAddress): string {
  const query = password === undefined ? '' : `?password=${encodeURIComponent(password)}`;
  return `${host}:${port}:${database}${query}`;
}
