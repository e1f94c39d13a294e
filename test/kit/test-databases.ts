import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import type { MysqlAddress, RedisAddress } from '../../infra/local/recording/target-servers.ts';

/** The addresses of the servers that all tests of a run share. */
export interface TestServers {
  readonly mysql: MysqlAddress;
  readonly redis: { readonly host: string; readonly port: number };
}

/** Databases of the shared servers that no other test uses. */
export interface TestDatabases {
  readonly mysql: MysqlAddress;
  /** The prefix of the names of the test's MySQL databases. */
  readonly databasePrefix: string;
  /** Empty Redis databases, as many as the test has requested. */
  readonly redis: readonly RedisAddress[];
  /** Drops the MySQL databases and empties the Redis databases. */
  remove(): Promise<void>;
}

/** Reserves databases of the shared servers for one test. */
export async function takeTestDatabases(redisDatabases = 2): Promise<TestDatabases> {
  const { mysql, redis } = inject('servers');
  const first = await countUp(redis, redisDatabases);
  const addresses = Array.from({ length: redisDatabases }, (_, index) => ({
    ...redis,
    database: first + index,
  }));
  const databasePrefix = `test${first}_`;
  return {
    mysql,
    databasePrefix,
    redis: addresses,
    remove: async () => {
      await Promise.all([dropDatabases(mysql, databasePrefix), ...addresses.map(emptyDatabase)]);
    },
  };
}

/** The counter is in Redis, in database 0, because tests run in several processes. */
async function countUp(redis: TestServers['redis'], by: number): Promise<number> {
  return await withRedis({ ...redis, database: 0 }, async (client) => {
    const last = await client.incrby('last-database-taken', by);
    return last - by + 1;
  });
}

async function emptyDatabase(address: RedisAddress): Promise<void> {
  await withRedis(address, (client) => client.flushdb());
}

async function withRedis<Result>(
  { host, port, database }: RedisAddress,
  task: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis({ host, port, db: database });
  try {
    return await task(client);
  } finally {
    client.disconnect();
  }
}

async function dropDatabases({ host, port, user, password }: MysqlAddress, prefix: string): Promise<void> {
  const connection = await createConnection({ host, port, user, password });
  try {
    const [databases] = await connection.query<RowDataPacket[]>(
      'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ?',
      [`${prefix.replaceAll('_', '\\_')}%`],
    );
    for (const { name } of databases) await connection.query('DROP DATABASE ??', [name]);
  } finally {
    await connection.end();
  }
}
