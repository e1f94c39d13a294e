import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { ManagedServer, type ServerDefinition } from '../../infra/local/servers/managed-server.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { startRedis } from '../../infra/local/servers/redis-server.ts';

test('MariaDB keeps committed rows after SIGKILL and restarts on the same port', async () => {
  const server = await startMariaDb();
  onTestFinished(() => server.stop());
  await query(server, 'CREATE DATABASE d; CREATE TABLE d.t (id INT); INSERT INTO d.t VALUES (1)');
  await server.kill();
  expect(server.pid).toBeUndefined();
  await expect(query(server, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await server.restart();
  expect(await query(server, 'SELECT id FROM d.t')).toEqual([{ id: 1 }]);
});

test('Redis keeps its data after SIGKILL if its arguments enable the append-only file', async () => {
  const server = await startRedis({
    arguments: ['--appendonly', 'yes', '--appendfsync', 'always'],
    password: 'x y',
  });
  onTestFinished(() => server.stop());
  const redis = new Redis({ port: server.port, password: 'x y' });
  onTestFinished(() => redis.disconnect());
  await redis.set('key', 'value');
  redis.on('error', () => {}); // The kill closes the connection.
  await server.kill();
  await server.restart();
  expect(await redis.get('key')).toBe('value');
});

test('a stopped server leaves neither a process nor a directory, and can be stopped again', async () => {
  const server = await startRedis();
  const { pid, directory } = server;
  await server.stop();
  await server.stop();
  expect(existsSync(directory)).toBe(false);
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
});

test('a server starts on another port if its port is taken', async () => {
  const taken = await startRedis();
  onTestFinished(() => taken.stop());
  const offered: number[] = [];
  const server = await ManagedServer.start(
    redisDefinition((port) => {
      offered.push(port);
      return offered.length === 1 ? taken.port : port;
    }),
  );
  onTestFinished(() => server.stop());
  expect(offered.length).toBeGreaterThanOrEqual(2);
  expect(server.port).toBe(offered.at(-1));
});

test('a server that rejects its arguments fails with its own error message and leaves nothing behind', async () => {
  await expect(startRedis({ arguments: ['--nonsense', '1'] })).rejects.toThrow('Bad directive');
});

test('a killed program leaves neither servers nor directories', async () => {
  const program = spawn(process.execPath, [`${import.meta.dirname}/../kit/start-servers-and-wait.ts`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(program.stdout), 'line');
  const servers = z.array(z.object({ pid: z.int(), directory: z.string() })).parse(JSON.parse(line));
  expect(servers).toHaveLength(2);
  for (const { directory } of servers) expect(existsSync(directory)).toBe(true);
  program.kill('SIGKILL');
  await expectSoon(() => servers.every(({ pid, directory }) => !isRunning(pid) && !existsSync(directory)));
});

function redisDefinition(choosePort: (port: number) => number): ServerDefinition {
  return {
    name: 'Redis',
    startTimeoutMs: 10_000,
    command: ({ port }) => ({
      file: 'redis-server',
      arguments: ['--bind', '127.0.0.1', '--port', String(choosePort(port)), '--save', ''],
    }),
    probe: async ({ port }) => {
      const redis = new Redis({ port, lazyConnect: true, retryStrategy: null });
      redis.on('error', () => {}); // The rejected promise reports the error too.
      await redis.ping().finally(() => redis.disconnect());
    },
  };
}

async function query({ host, port, user, password }: MariaDbServer, sql: string): Promise<unknown> {
  const connection = await createConnection({ host, port, user, password, multipleStatements: true });
  const [rows] = await connection.query(sql);
  await connection.end();
  return rows;
}

async function expectSoon(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition() && performance.now() < deadline) await sleep(50);
  expect(condition()).toBe(true);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
