import { onTestFinished } from 'vitest';
import type { MysqlAddress, RedisAddress } from '../../../infra/local/recording/target-servers.ts';
import { takeTestDatabases } from '../test-databases.ts';

/** Where a scene stands: on the servers that all tests share unless a test puts it on some of its own. */
export interface SceneServers {
  readonly mysql: MysqlAddress;
  /** Of the MySQL pool `shop`. */
  readonly shopMysql: MysqlAddress;
  /** Of the Redis pool `default`. */
  readonly redis: RedisAddress;
  /** Of the Redis pool `other`. */
  readonly otherRedis: RedisAddress;
  readonly databasePrefix: string;
}

/** A fresh part of the shared servers, with whatever of it a test brings itself. */
export async function takeSceneServers(own: Partial<SceneServers>): Promise<SceneServers> {
  const databases = await takeTestDatabases(2);
  onTestFinished(() => databases.remove());
  const [redis, otherRedis] = databases.redis;
  if (redis === undefined || otherRedis === undefined) throw new Error('no Redis databases');
  const { mysql, databasePrefix } = databases;
  return { mysql, shopMysql: own.mysql ?? mysql, redis, otherRedis, databasePrefix, ...own };
}

/** The registry of a scene: two MySQL pools, two Redis pools, a stream of dirty events in each of the latter. */
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
