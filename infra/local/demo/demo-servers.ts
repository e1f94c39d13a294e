import { writeFileSync } from 'node:fs';
import { loadRecording } from '../recording/load-recording.ts';
import { readRecording } from '../recording/recording.ts';
import type { TargetServers } from '../recording/target-servers.ts';
import { listenArguments } from '../servers/listen-arguments.ts';
import { type MariaDbServer, startMariaDb } from '../servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../servers/redis-server.ts';

/** Redis database of each pool in the registry. */
const REDIS_DATABASES: Readonly<Record<string, number>> = { default: 0, shop: 1 };

export interface DemoServers {
  readonly mysql: MariaDbServer;
  readonly redis: RedisServer;
}

/** `addresses`: where the servers listen in addition to 127.0.0.1. */
export async function startDemoServers(addresses: readonly string[] = []): Promise<DemoServers> {
  const { mysql: mysqlArguments, redis: redisArguments } = listenArguments(addresses);
  const [mysql, redis] = await Promise.all([
    startMariaDb({ arguments: mysqlArguments }),
    startRedis({ arguments: redisArguments }),
  ]);
  return { mysql, redis };
}

export async function stopDemoServers({ mysql, redis }: DemoServers): Promise<void> {
  await Promise.all([mysql.stop(), redis.stop()]);
}

export function redisAddressOf({ redis }: DemoServers, pool: string): ReturnType<TargetServers['redis']> {
  return { host: redis.host, port: redis.port, database: REDIS_DATABASES[pool] ?? 0 };
}

/**
 * Loads the recorded application and writes its registry.
 * @returns the path of the registry, which is removed together with the servers
 */
export async function loadDemoRecording(servers: DemoServers): Promise<string> {
  const registryYaml = await loadRecording(readRecording(`${import.meta.dirname}/recording`), {
    mysql: servers.mysql,
    redis: (pool) => redisAddressOf(servers, pool),
  });
  const registryFile = `${servers.mysql.directory}/registry.yaml`;
  writeFileSync(registryFile, registryYaml);
  return registryFile;
}

/** Keeps the servers running after this program exits. */
export function releaseDemoServers({ mysql, redis }: DemoServers): void {
  mysql.release();
  redis.release();
}

/** Commands that inspect the servers, and one that removes them. */
export function describeKeptServers({ mysql, redis }: DemoServers, registryFile: string): string {
  return `The servers keep running. To inspect them:

  redis-cli -p ${redis.port}
  mariadb --host=${mysql.host} --port=${mysql.port} --user=${mysql.user} --password=${mysql.password} bee
  npm run --silent consumer -- drain --registry ${registryFile}

To stop the servers and remove their files:

  ${redis.endCommand}; ${mysql.endCommand}; sleep 1; rm -r ${redis.directory} ${mysql.directory}
`;
}
