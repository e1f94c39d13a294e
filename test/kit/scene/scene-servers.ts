import { onTestFinished } from 'vitest';
import type { MysqlAddress, RedisAddress } from '../../../infra/local/recording/target-servers.ts';
import { takeTestDatabases } from '../test-databases.ts';

/** The servers of a scene: those that all tests share, unless a test provides its own. */
export interface SceneServers {
  readonly mysql: MysqlAddress;
  /** The server of the MySQL pool `shop`. */
  readonly shopMysql: MysqlAddress;
  /** The database of the Redis pool `default`. */
  readonly redis: RedisAddress;
  /** The database of the Redis pool `other`. */
  readonly otherRedis: RedisAddress;
  readonly databasePrefix: string;
}

/** Reserves databases of the shared servers, and replaces those that the test provides itself. */
export async function takeSceneServers(own: Partial<SceneServers>): Promise<SceneServers> {
  const databases = await takeTestDatabases(2);
  onTestFinished(() => databases.remove());
  const [redis, otherRedis] = databases.redis;
  if (redis === undefined || otherRedis === undefined) throw new Error('a scene needs two Redis databases');
  const { mysql, databasePrefix } = databases;
  return { mysql, shopMysql: own.mysql ?? mysql, redis, otherRedis, databasePrefix, ...own };
}

/** The registry of a scene: two MySQL pools, and two Redis pools with a stream of dirty events each. */
export function registryOf({ mysql, shopMysql, redis, otherRedis, databasePrefix }: SceneServers): string {
  return `
default:
  mysql: ${dsn(mysql)}/${databasePrefix}app
  redis: ${address(redis)}
  streams:
    thing-changed: [readers]
shop:
  mysql: ${dsn(shopMysql)}/${databasePrefix}shop
other:
  redis: ${address(otherRedis)}
  streams:
    thing-changed-elsewhere: [readers]
`;
}

function dsn({ user, password, host, port }: MysqlAddress): string {
  return `${user}:${password}@tcp(${host}:${port})`;
}

function address({ host, port, database }: RedisAddress): string {
  return `${host}:${port}:${database}`;
}
