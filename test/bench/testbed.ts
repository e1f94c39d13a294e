import { Redis } from 'ioredis';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { BenchServers } from './bench-servers.ts';
import { LAZY_STREAM, LOG_STREAM, type Load } from './loads/load.ts';
import { DATABASE, rowsSql, TABLES_SQL } from './loads/schema.ts';

/** Redis databases: candidates find the streams in the first one; the second one keeps a load to copy it from. */
const WORKING_DATABASE = 0;
const SOURCE_DATABASE = 1;
const ENTRIES_PER_PIPELINE = 2000;
const STREAMS = [LAZY_STREAM, LOG_STREAM];

/** Puts the servers into the same state before each run, and verifies the outcome afterwards. */
export class Testbed {
  readonly #servers: BenchServers;
  #loaded: string | undefined;

  constructor(servers: BenchServers) {
    this.#servers = servers;
  }

  /** Creates fresh tables with the load's initial rows, removes the ledger, and empties Redis. */
  async reset(load: Load): Promise<void> {
    await this.#withMysql(async (connection) => {
      await connection.query(TABLES_SQL);
      for (const [table, rows] of Object.entries(load.initialRows))
        await connection.query(rowsSql(table, rows));
    });
    await this.withRedis((redis) => redis.flushdb());
  }

  /** Resets the servers, then adds the load's entries to their streams. */
  async fill(load: Load): Promise<void> {
    await this.reset(load);
    await this.#prepareSource(load);
    await this.withRedis(async (redis) => {
      await redis.select(SOURCE_DATABASE);
      for (const stream of STREAMS) await redis.call('COPY', stream, stream, 'DB', String(WORKING_DATABASE));
    });
  }

  /** @throws {Error} if MySQL does not contain everything that the load should have written */
  async verify(load: Load, candidate: string): Promise<void> {
    await this.#withMysql(async (connection) => {
      await connection.query(`USE ${DATABASE}`);
      for (const { query, expected } of load.outcome) {
        const [[row]] = await connection.query<RowDataPacket[]>(query);
        const found = Number(Object.values(row ?? {})[0]);
        if (found === expected) continue;
        throw new Error(`${candidate} did not finish: ${query} returns ${found} instead of ${expected}`);
      }
    });
  }

  /** Connects to the database that the candidates use. */
  async withRedis<Result>(task: (redis: Redis) => Promise<Result>): Promise<Result> {
    const { host, port } = this.#servers.redis;
    const redis = new Redis({ host, port, db: WORKING_DATABASE });
    try {
      return await task(redis);
    } finally {
      redis.disconnect();
    }
  }

  async #prepareSource(load: Load): Promise<void> {
    if (this.#loaded === load.key) return;
    await this.withRedis(async (redis) => {
      await redis.select(SOURCE_DATABASE);
      await redis.flushdb();
      for (let start = 0; start < load.entries; start += ENTRIES_PER_PIPELINE) {
        const pipeline = redis.pipeline();
        for (let index = start; index < Math.min(start + ENTRIES_PER_PIPELINE, load.entries); index++) {
          const { stream, body } = load.entry(index);
          pipeline.xadd(stream, '*', 's', body);
        }
        await pipeline.exec();
      }
    });
    this.#loaded = load.key;
  }

  async #withMysql(task: (connection: Connection) => Promise<void>): Promise<void> {
    const { host, port, user, password } = this.#servers.mysql;
    const connection = await createConnection({ host, port, user, password, multipleStatements: true });
    try {
      await task(connection);
    } finally {
      await connection.end();
    }
  }
}
