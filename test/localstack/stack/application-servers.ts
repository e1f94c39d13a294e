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

/** With these arguments, no acknowledged write is lost when the server is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
const ENTRIES_PER_PIPELINE = 1000;

/** A Redis and a MariaDB for one application. Different histories can be loaded into them one after another. */
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

  /** Addresses of the servers. Each Redis pool has its own numbered database. */
  targets(host = '127.0.0.1'): TargetServers {
    const { port, user, password } = this.mysql;
    const pools = redisPoolCodes(this.#recordedRegistry);
    return {
      mysql: { host, port, user, password },
      redis: (pool) => ({ host, port: this.redis.port, database: pools.indexOf(pool) }),
    };
  }

  /** The registry for clients that reach the servers under the given host. */
  registryYaml(host?: string): string {
    return retargetRegistry(this.#recordedRegistry, this.targets(host));
  }

  get registry(): TestRegistry {
    return readTestRegistry(this.registryYaml());
  }

  /** Replaces all tables and rows with those of a recording, and removes all results from Redis. */
  async load(recording: Recording): Promise<void> {
    await this.#emptyMysql();
    await this.#removeResults();
    await loadRecording({ ...recording, entries: [] }, this.targets());
  }

  /** Adds entries. Those that the consumer drains come last: the events that it adds must follow the recorded ones. */
  async add(entries: readonly StreamEntry[]): Promise<void> {
    const isDrained = ({ stream }: StreamEntry) => stream.startsWith('orm-');
    await this.#add(entries.filter((entry) => !isDrained(entry)));
    await this.#add(entries.filter(isDrained));
  }

  async stop(): Promise<void> {
    await Promise.all([this.mysql.stop(), this.redis.stop()]);
  }

  async #add(entries: readonly StreamEntry[]): Promise<void> {
    for (const [code, pool] of this.registry.redis) {
      const redis = connectRedis(pool);
      const poolEntries = entries.filter((entry) => entry.pool === code);
      for (let start = 0; start < poolEntries.length; start += ENTRIES_PER_PIPELINE) {
        const pipeline = redis.pipeline();
        for (const { stream, id, fields } of poolEntries.slice(start, start + ENTRIES_PER_PIPELINE))
          pipeline.xadd(stream, id, ...Object.entries(fields).flat());
        for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
      }
      redis.disconnect();
    }
  }

  /**
   * Drops the tables but not their databases, because sessions of the executor have selected these. Drops the databases
   * of the oracle.
   */
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

  /** Deletes dead letters, and the events in the application's own streams. */
  async #removeResults(): Promise<void> {
    const { registry } = this;
    for (const [code, pool] of registry.redis) {
      const redis = connectRedis(pool);
      for (const [stream, poolCode] of registry.streamPools) {
        if (poolCode !== code) continue;
        await redis.del(`${stream}:dead-letters`);
        if (!stream.startsWith('orm-')) await redis.del(stream);
      }
      redis.disconnect();
    }
  }
}
