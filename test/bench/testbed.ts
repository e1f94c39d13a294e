import { Redis } from 'ioredis';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { BenchServers } from './bench-servers.ts';
import { LAZY_STREAM, LOG_STREAM, type Load } from './loads/load.ts';
import { DATABASE, rowsSql, TABLES_SQL } from './loads/schema.ts';

/** Redis databases: where contestants find the streams, and where each load is kept to be copied from. */
const WORKING_DATABASE = 0;
const SOURCE_DATABASE = 1;
const ENTRIES_PER_PIPELINE = 2000;
const STREAMS = [LAZY_STREAM, LOG_STREAM];

/** Sets servers to the same state before each turn, and looks afterwards whether the work was done. */
export class Stage {
  readonly #servers: BenchServers;
  #loaded: string | undefined;

  constructor(servers: BenchServers) {
    this.#servers = servers;
  }

  /** Fresh tables with the load's rows, and no ledger; Redis empty. */
  async clear(load: Load): Promise<void> {
    await this.#withMysql(async (connection) => {
      await connection.query(TABLES_SQL);
      for (const [table, rows] of Object.entries(load.rowsBefore))
        await connection.query(rowsSql(table, rows));
    });
    await this.withRedis((redis) => redis.flushdb());
  }

  /** The same, with the load's entries in their streams. */
  async fill(load: Load): Promise<void> {
    await this.clear(load);
    await this.#keep(load);
    await this.withRedis(async (redis) => {
      await redis.select(SOURCE_DATABASE);
      for (const stream of STREAMS) await redis.call('COPY', stream, stream, 'DB', String(WORKING_DATABASE));
    });
  }

  /** Rejects where something that the load asks for is not in MySQL. */
  async check(load: Load, contestant: string): Promise<void> {
    await this.#withMysql(async (connection) => {
      await connection.query(`USE ${DATABASE}`);
      for (const { query, expected } of load.outcome) {
        const [[row]] = await connection.query<RowDataPacket[]>(query);
        const found = Number(Object.values(row ?? {})[0]);
        if (found === expected) continue;
        throw new Error(`${contestant} left the work undone: ${query} gives ${found} instead of ${expected}`);
      }
    });
  }

  /** Lends a connection to the database in which contestants work. */
  async withRedis<Result>(use: (redis: Redis) => Promise<Result>): Promise<Result> {
    const { host, port } = this.#servers.redis;
    const redis = new Redis({ host, port, db: WORKING_DATABASE });
    try {
      return await use(redis);
    } finally {
      redis.disconnect();
    }
  }

  async #keep(load: Load): Promise<void> {
    if (this.#loaded === load.key) return;
    await this.withRedis(async (redis) => {
      await redis.select(SOURCE_DATABASE);
      await redis.flushdb();
      for (let start = 0; start < load.entries; start += ENTRIES_PER_PIPELINE) {
        const pipeline = redis.pipeline();
        for (let place = start; place < Math.min(start + ENTRIES_PER_PIPELINE, load.entries); place++) {
          const { stream, body } = load.entry(place);
          pipeline.xadd(stream, '*', 's', body);
        }
        await pipeline.exec();
      }
    });
    this.#loaded = load.key;
  }

  async #withMysql(use: (connection: Connection) => Promise<void>): Promise<void> {
    const { host, port, user, password } = this.#servers.mysql;
    const connection = await createConnection({ host, port, user, password, multipleStatements: true });
    try {
      await use(connection);
    } finally {
      await connection.end();
    }
  }
}
