import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import type { MysqlPlace, RedisPlace } from '../../infra/local/recording/placement.ts';

/** Addresses of the servers that all tests of a run share. */
export interface TestServers {
  readonly mysql: MysqlPlace;
  readonly redis: { readonly host: string; readonly port: number };
}

/** A part of the shared servers that no other test uses. */
export interface TestPlace {
  readonly mysql: MysqlPlace;
  /** The names of the test's MySQL databases start so. */
  readonly databasePrefix: string;
  /** Its Redis databases, empty: as many as were asked for. */
  readonly redis: readonly RedisPlace[];
  /** Drops and empties all that. */
  remove(): Promise<void>;
}

/** Takes a fresh part of the shared servers. */
export async function takeTestPlace(redisDatabases = 2): Promise<TestPlace> {
  const { mysql, redis } = inject('servers');
  const first = await countUp(redis, redisDatabases);
  const places = Array.from({ length: redisDatabases }, (_, index) => ({
    ...redis,
    database: first + index,
  }));
  const databasePrefix = `test${first}_`;
  return {
    mysql,
    databasePrefix,
    redis: places,
    remove: async () => {
      await Promise.all([dropDatabases(mysql, databasePrefix), ...places.map(emptyDatabase)]);
    },
  };
}

/** Redis itself counts, as tests run in several processes; database 0 is the counter's. */
async function countUp(redis: TestServers['redis'], by: number): Promise<number> {
  return await withRedis({ ...redis, database: 0 }, async (client) => {
    const last = await client.incrby('last-database-taken', by);
    return last - by + 1;
  });
}

async function emptyDatabase(place: RedisPlace): Promise<void> {
  await withRedis(place, (client) => client.flushdb());
}

async function withRedis<Result>(
  place: RedisPlace,
  use: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis({ host: place.host, port: place.port, db: place.database });
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function dropDatabases({ host, port, user, password }: MysqlPlace, prefix: string): Promise<void> {
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
