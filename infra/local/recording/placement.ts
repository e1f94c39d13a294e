import { isMap, parseDocument } from 'yaml';

/** The servers that stand in for those of a recording. */
export interface Placement {
  readonly mysql: MysqlPlace;
  /** Where each Redis pool of the registry goes, by its code. */
  readonly redis: (pool: string) => RedisPlace;
  /** Before the name of each database, so that several recordings fit into one server. Default: none. */
  readonly databasePrefix?: string;
}

export interface MysqlPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly password?: string | undefined;
}

/** The registry with its MySQL and Redis pools at their new places, all else as it was. */
export function placeRegistry(registryYaml: string, placement: Placement): string {
  const document = parseDocument(registryYaml);
  for (const pool of poolCodes(registryYaml)) {
    const dsn = document.getIn([pool, 'mysql']);
    if (typeof dsn === 'string') document.setIn([pool, 'mysql'], placeDsn(dsn, placement));
    if (document.hasIn([pool, 'redis'])) {
      document.setIn([pool, 'redis'], redisAddress(placement.redis(pool)));
    }
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

function placeDsn(dsn: string, { mysql, databasePrefix = '' }: Placement): string {
  const database = dsn.slice(dsn.lastIndexOf('/') + 1);
  return `${mysql.user}:${mysql.password}@tcp(${mysql.host}:${mysql.port})/${databasePrefix}${database}`;
}

function redisAddress({ host, port, database, password }: RedisPlace): string {
  const query = password === undefined ? '' : `?password=${encodeURIComponent(password)}`;
  return `${host}:${port}:${database}${query}`;
}
