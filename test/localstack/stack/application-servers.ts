import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { loadRecording } from '../../../infra/local/recording/load-recording.ts';
import type { Recording } from '../../../infra/local/recording/recording.ts';
import {
  redisPoolCodes,
  retargetRegistry,
  type TargetServers,
} from '../../../infra/local/recording/target-servers.ts';
import { listenArguments } from '../../../infra/local/servers/listen-arguments.ts';
import { type MariaDbServer, startMariaDb } from '../../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../../infra/local/servers/redis-server.ts';
import { connectRedis } from '../../kit/state.ts';
import { readTestRegistry, type TestRegistry } from '../../kit/test-registry.ts';
import type { StreamEntry } from '../../oracle/stream-entry.ts';

/** Nothing that was acknowledged is lost when the server is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
const ENTRIES_PER_PIPELINE = 1000;

/** A Redis and a MariaDB of one application's own, whose history can be loaded again and again. */
export class ApplicationServers {
  readonly mysql: MariaDbServer;
  readonly redis: RedisServer;
  readonly #recordedRegistry: string;

  private constructor(mysql: MariaDbServer, redis: RedisServer, recordedRegistry: string) {
    this.mysql = mysql;
    this.redis = redis;
    this.#recordedRegistry = recordedRegistry;
  }

  static async start(
    recordedRegistry: string,
    addresses: readonly string[] = [],
  ): Promise<ApplicationServers> {
    const { mysql: mysqlArguments, redis: redisArguments } = listenArguments(addresses);
    const [mysql, redis] = await Promise.all([
      startMariaDb({ flushLogAtCommit: 2, arguments: mysqlArguments }),
      startRedis({ arguments: [...DURABLE, ...redisArguments] }),
    ]);
    return new ApplicationServers(mysql, redis, recordedRegistry);
  }

  /** Each Redis pool has a numbered database of its own. */
  targets(host = '127.0.0.1'): TargetServers {
    const { port, user, password } = this.mysql;
    const pools = redisPoolCodes(this.#recordedRegistry);
    return {
      mysql: { host, port, user, password },
      redis: (pool) => ({ host, port: this.redis.port, database: pools.indexOf(pool) }),
    };
  }

  /** As those see it who reach the servers under this name. */
  registryYaml(host?: string): string {
    return retargetRegistry(this.#recordedRegistry, this.targets(host));
  }

  get registry(): TestRegistry {
    return readTestRegistry(this.registryYaml());
  }

  /** Puts a recording's tables and rows in the place of what was there before, and removes all results in Redis. */
  async load(recording: Recording): Promise<void> {
    await this.#emptyMysql();
    await this.#removeResults();
    await loadRecording({ ...recording, entries: [] }, this.targets());
  }

  /** What a consumer works on comes last: it would put events of its own before those of the history. */
  async add(entries: readonly StreamEntry[]): Promise<void> {
    const isWork = ({ stream }: StreamEntry) => stream.startsWith('orm-');
    await this.#add(entries.filter((entry) => !isWork(entry)));
    await this.#add(entries.filter(isWork));
  }

  async stop(): Promise<void> {
    await Promise.all([this.mysql.stop(), this.redis.stop()]);
  }

  async #add(entries: readonly StreamEntry[]): Promise<void> {
    for (const [code, pool] of this.registry.redis) {
      const redis = connectRedis(pool);
      const ofPool = entries.filter((entry) => entry.pool === code);
      for (let start = 0; start < ofPool.length; start += ENTRIES_PER_PIPELINE) {
        const pipeline = redis.pipeline();
        for (const { stream, id, fields } of ofPool.slice(start, start + ENTRIES_PER_PIPELINE))
          pipeline.xadd(stream, id, ...Object.entries(fields).flat());
        for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
      }
      redis.disconnect();
    }
  }

  /** The tables alone, as sessions of the executor have chosen the databases; those of the oracle as a whole. */
  async #emptyMysql(): Promise<void> {
    const { mysql } = this.targets();
    const connection = await createConnection(mysql);
    try {
      await connection.query('SET FOREIGN_KEY_CHECKS = 0');
      for (const { database } of this.registry.mysql.values()) {
        const [tables] = await connection.query<RowDataPacket[]>(
          'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
          [database],
        );
        for (const { name } of tables) await connection.query('DROP TABLE ??.??', [database, name]);
        await connection.query('DROP DATABASE IF EXISTS ??', [`oracle_${database}`]);
      }
    } finally {
      await connection.end();
    }
  }

  /** Dead letters, and the events in the application's own streams. */
  async #removeResults(): Promise<void> {
    const { registry } = this;
    for (const [code, pool] of registry.redis) {
      const redis = connectRedis(pool);
      for (const [stream, itsPool] of registry.streamPools) {
        if (itsPool !== code) continue;
        await redis.del(`${stream}:dead-letters`);
        if (!stream.startsWith('orm-')) await redis.del(stream);
      }
      redis.disconnect();
    }
  }
}
