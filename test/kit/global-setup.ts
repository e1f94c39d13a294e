import type { TestProject } from 'vitest/node';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { startRedis } from '../../infra/local/servers/redis-server.ts';
import type { TestServers } from './test-databases.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly servers: TestServers;
  }
}

/** Enough Redis databases for each test of a run to use its own. */
const REDIS_DATABASES = 20_000;

/** Starts one MariaDB and one Redis for the whole run. Tests that stop or kill servers start their own. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const [redis, mysql] = await Promise.all([
    startRedis({ databases: REDIS_DATABASES }),
    startMariaDb({ flushLogAtCommit: 2 }),
  ]);
  const { host, port, user, password } = mysql;
  provide('servers', {
    mysql: { host, port, user, password },
    redis: { host: redis.host, port: redis.port },
  });
  return async () => {
    await Promise.all([redis.stop(), mysql.stop()]);
  };
}
