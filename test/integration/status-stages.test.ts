import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import { type MariaDbServer, startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { StageFailure } from '../../shared/operations.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { makeCertificate } from '../kit/certificates.ts';
import { silentLogger } from '../kit/scene/drain-scene.ts';

const PASSWORD = 'pl4nted';
const NOBODY = '127.0.0.1:9';

let directory: string;
let redis: RedisServer;
let tlsPort: number;
let mysql: MariaDbServer;

beforeAll(async () => {
  directory = mkdtempSync(`${tmpdir()}/hops-`);
  [redis, mysql] = await Promise.all([startRedis(), startMariaDb()]);
  tlsPort = redis.port > 60_000 ? redis.port - 1000 : redis.port + 1000;
  const { certificate, key } = makeCertificate(directory, 'redis', 'IP:127.0.0.1');
  const admin = new Redis({ port: redis.port, protocol: 2 });
  const files = ['tls-cert-file', certificate, 'tls-key-file', key, 'tls-ca-cert-file', certificate];
  await admin.call('CONFIG', 'SET', ...files, 'tls-auth-clients', 'no', 'tls-port', String(tlsPort));
  await admin.acl('SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  await admin.acl('SETUSER', 'reader', 'on', `>${PASSWORD}`, '~*', '+@connection');
  admin.disconnect();
});

afterAll(async () => {
  await Promise.all([redis.stop(), mysql.stop()]);
  rmSync(directory, { recursive: true });
});

/** Where each of the two servers fails. */
async function failures(
  redisAddress: string,
  dsn: string,
): Promise<Record<string, StageFailure | undefined>> {
  const registry = parseRegistry(JSON.stringify({ default: { redis: redisAddress, mysql: dsn } }), 'test');
  const consumer = await openLocalConsumer({
    registry,
    logger: silentLogger,
    ordering: 'entity',
    lazyConcurrency: 1,
    ledgerDatabase: 'background_consumer',
    allowedStatements: [],
  });
  try {
    const { pools } = await consumer.status();
    return Object.fromEntries(pools.map(({ kind, failure }) => [kind, failure]));
  } finally {
    await consumer.close();
  }
}

const redisAt = (port: number, query: string) => `127.0.0.1:${port}:0?${query}`;
const login = (user: string, password = PASSWORD) => `user=${user}&password=${password}`;
const dsn = (credentials: string, database = 'mysql', parameters = '') =>
  `${credentials}@tcp(${mysql.host}:${mysql.port})/${database}${parameters}`;
const good = () => dsn(`${mysql.user}:${mysql.password}`);

describe('status names the stage of Redis that fails:', () => {
  test.each<[string, () => string]>([
    ['name-resolution', () => 'nowhere.invalid:6379:0'],
    ['network-path', () => `${NOBODY}:0`],
    ['tls', () => redisAt(redis.port, `${login('app')}&tls=true`)],
    ['tls', () => redisAt(tlsPort, login('app'))],
    ['tls', () => redisAt(tlsPort, `${login('app')}&tls=true`)],
    ['authentication', () => redisAt(redis.port, login('app', 'wrong'))],
    ['permission', () => redisAt(redis.port, login('reader'))],
  ])('%s', async (stage, address) => {
    const failure = await failures(address(), good());
    expect(failure['redis']).toMatchObject({ stage });
    expect(failure['mysql']).toBeUndefined();
    expect(JSON.stringify(failure)).not.toContain(PASSWORD);
  });
});

describe('status names the stage of MySQL that fails:', () => {
  test.each<[string, () => string]>([
    ['name-resolution', () => 'u:p@tcp(nowhere.invalid:3306)/app'],
    ['network-path', () => `u:p@tcp(${NOBODY})/app`],
    ['tls', () => dsn(`${mysql.user}:${mysql.password}`, 'mysql', '?tls=true')],
    ['authentication', () => dsn(`nobody:${PASSWORD}`)],
    ['permission', () => dsn(`${mysql.user}:${mysql.password}`, 'no_such_database')],
  ])('%s', async (stage, address) => {
    const failure = await failures(redisAt(redis.port, login('app')), address());
    expect(failure['mysql']).toMatchObject({ stage });
    expect(failure['redis']).toBeUndefined();
    expect(JSON.stringify(failure)).not.toContain(PASSWORD);
  });
});

test('TLS that is only preferred is done without where MySQL has none', async () => {
  const preferred = dsn(`${mysql.user}:${mysql.password}`, 'mysql', '?tls=preferred');
  expect(await failures(redisAt(redis.port, login('app')), preferred)).toEqual({});
});
