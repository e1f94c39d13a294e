import { writeFileSync } from 'node:fs';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { DATABASE } from './loads/schema.ts';

/** The servers that all candidates use, one after another and with the same settings. */
export interface BenchServers {
  /** Syncs each commit to disk. */
  readonly mysql: MariaDbServer;
  readonly redis: RedisServer;
  readonly registryFile: string;
  /** `mysql://user:password@host:port/database`. */
  readonly mysqlUri: string;
  /** `host:port`. */
  readonly redisAddress: string;
  /** Writes a registry that reaches MySQL through another port, and returns its file name. */
  writeRegistry(mysqlPort: number): string;
  stop(): Promise<void>;
}

/** @throws {ServerError} if a server cannot be installed or started */
export async function startBenchServers(): Promise<BenchServers> {
  const [mysql, redis] = await Promise.all([startMariaDb({ flushLogAtCommit: 1 }), startRedis()]);
  const writeRegistry = (mysqlPort: number) => {
    const file = `${mysql.directory}/registry-${mysqlPort}.yaml`;
    writeFileSync(file, registryYaml(mysql, redis, mysqlPort));
    return file;
  };
  return {
    mysql,
    redis,
    registryFile: writeRegistry(mysql.port),
    mysqlUri: `mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/${DATABASE}`,
    redisAddress: `${redis.host}:${redis.port}`,
    writeRegistry,
    stop: async () => {
      await Promise.all([mysql.stop(), redis.stop()]);
    },
  };
}

function registryYaml(mysql: MariaDbServer, redis: RedisServer, mysqlPort: number): string {
  return `default:
  mysql: ${mysql.user}:${mysql.password}@tcp(${mysql.host}:${mysqlPort})/${DATABASE}
  redis: ${redis.host}:${redis.port}:0
  streams:
    orm-lazy-channel: [orm-async-consumer]
    orm-log-channel: [orm-async-consumer]
    changed: [readers]
`;
}
