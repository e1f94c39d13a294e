import { Redis } from 'ioredis';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { onTestFinished } from 'vitest';
import type { MysqlAddress, RedisAddress } from '../../../infra/local/recording/target-servers.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import type { Registry } from '../../../shared/registry/types.ts';
import { encode, type WireValue } from '../generate/messagepack.ts';
import { registryOf, type SceneServers, takeSceneServers } from './scene-servers.ts';

export const LAZY = 'orm-lazy-channel';
export const LOCK_KEY = 'orm-async-consumer_consumer-1';
export const GROUP = 'orm-async-consumer';

type Row = Record<string, unknown>;

/**
 * A registry with streams and tables prepared for one test, on real servers. The main tables are `Thing` in the MySQL
 * pool `default` and `Sale` in the MySQL pool `shop`.
 */
export interface Scene {
  readonly servers: SceneServers;
  readonly registryYaml: string;
  readonly registry: Registry;
  readonly ledgerDatabase: string;
  readonly redis: Redis;
  readonly otherRedis: Redis;
  /** Opens another connection to the database of the pool `default`. */
  connect(): Promise<Connection>;
  /** Runs a query in the database of the pool `default` and returns its rows. */
  query(sql: string, values?: unknown[]): Promise<Row[]>;
  shopQuery(sql: string): Promise<Row[]>;
  /** Adds a lazy event and returns the id of its entry. */
  add(event: WireValue, id?: string): Promise<string>;
}

const SCHEMA = `
CREATE TABLE Thing (
  ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  Name VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL,
  Code VARCHAR(20) UNIQUE,
  Count TINYINT UNSIGNED NOT NULL DEFAULT 0
);
CREATE TABLE Part (
  ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  Thing BIGINT UNSIGNED NOT NULL,
  FOREIGN KEY (Thing) REFERENCES Thing (ID)
);
CREATE TABLE Document (ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, Body LONGTEXT NOT NULL);
CREATE TABLE _log_default_Thing (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  entity_id INT UNSIGNED NOT NULL,
  added_at DATETIME NOT NULL,
  meta LONGTEXT, \`before\` LONGTEXT, changes LONGTEXT
)`;

const SHOP_SCHEMA = `
CREATE TABLE Sale (
  ID BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  Name VARCHAR(20) NOT NULL,
  Count TINYINT UNSIGNED NOT NULL DEFAULT 0
)`;

/** Everything is removed when the test is finished. */
export async function openScene(own: Partial<SceneServers> = {}): Promise<Scene> {
  const servers = await takeSceneServers(own);
  const { databasePrefix } = servers;
  const mysql = await createDatabase(servers.mysql, `${databasePrefix}app`, SCHEMA);
  const shopMysql = await createDatabase(servers.shopMysql, `${databasePrefix}shop`, SHOP_SCHEMA);
  const redis = await connectRedis(servers.redis);
  const otherRedis = await connectRedis(servers.otherRedis);
  const registryYaml = registryOf(servers);
  return {
    servers,
    registryYaml,
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    ledgerDatabase: `${databasePrefix}ledger`,
    redis,
    otherRedis,
    connect: () => connect(servers.mysql, `${databasePrefix}app`),
    query: (sql, values = []) => rowsOf(mysql, sql, values),
    shopQuery: (sql) => rowsOf(shopMysql, sql, []),
    add: async (event, id = '*') => String(await redis.xadd(LAZY, id, 's', encode(event))),
  };
}

/** Opens a scene in which the ids that MySQL chooses for the consumer are `step` apart. */
export async function sceneWithIncrement(step: number): Promise<Scene> {
  const scene = await openScene();
  const yaml = scene.registryYaml.replace(/(mysql: \S+app)/, `$1?auto_increment_increment=${step}`);
  return { ...scene, registry: parseRegistry(yaml, 'registry.yaml') };
}

async function createDatabase(mysql: MysqlAddress, database: string, schema: string): Promise<Connection> {
  const connection = await connect(mysql);
  await connection.query('CREATE DATABASE ??', [database]);
  await connection.query('USE ??', [database]);
  await connection.query(schema);
  return connection;
}

async function connect({ host, port, user, password }: MysqlAddress, database?: string): Promise<Connection> {
  const connection = await createConnection({
    ...{ host, port, user, password, multipleStatements: true },
    ...(database === undefined ? {} : { database }),
  });
  connection.on('error', () => {}); // Tests stop servers. Queries that fail meanwhile reject.
  onTestFinished(() => connection.destroy());
  return connection;
}

async function rowsOf(connection: Connection, sql: string, values: unknown[]): Promise<Row[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return rows;
}

async function connectRedis({ host, port, database }: RedisAddress): Promise<Redis> {
  const redis = new Redis({ host, port, db: database, retryStrategy: () => 50 });
  redis.on('error', () => {}); // Tests stop servers. Commands that fail meanwhile reject.
  onTestFinished(() => redis.disconnect());
  await redis.ping();
  return redis;
}
