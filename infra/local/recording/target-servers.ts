import { isMap, parseDocument } from 'yaml';

/** The servers that stand in for those of a recording. */
export interface TargetServers {
  readonly mysql: MysqlAddress;
  /** Where each Redis pool of the registry goes, by its code. */
  readonly redis: (pool: string) => RedisAddress;
  /** Before the name of each database, so that several recordings fit into one server. Default: none. */
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

/** The registry with its MySQL and Redis pools at their new places, all else as it was. */
export function retargetRegistry(registryYaml: string, targets: TargetServers): string {
  const document = parseDocument(registryYaml);
  for (const pool of poolCodes(registryYaml)) {
    const dsn = document.getIn([pool, 'mysql']);
    if (typeof dsn === 'string') document.setIn([pool, 'mysql'], retargetDsn(dsn, targets));
    if (document.hasIn([pool, 'redis'])) document.setIn([pool, 'redis'], redisAddress(targets.redis(pool)));
  }
  return document.toString();
}

/** The Redis pools of a registry, by code. */
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
