import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { makeCertificate } from '../kit/certificates.ts';
import { MASTER, startSentinelRedis } from '../kit/redis-sentinel.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, thingDirty, thingLog } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumerIn } from '../kit/scene/run-consumer.ts';
import { LAZY, LOCK_KEY } from '../kit/scene/scene.ts';
import { openSceneInRedis } from '../kit/scene/scene-in-redis.ts';

/** Each way in which a registry can say where a Redis pool is, on a Redis that is really there. */

test('in a namespace all keys, streams and groups have it in front, and the lock of the others is not theirs', async () => {
  const server = await startOwnRedis();
  const { host, port } = server;
  const scene = await openSceneInRedis(`redis: ${host}:${port}:2:shop`, { port, db: 2, keyPrefix: 'shop:' });
  const all = new Redis({ host, port, db: 2, protocol: 2 });
  onTestFinished(() => all.disconnect());
  await scene.redis.mset('thing', '1', 'other', '2');
  await all.mset(LOCK_KEY, 'of another application', 'thing', '3');
  const effects = { cacheKeys: { default: ['thing'] }, dirty: [thingDirty(1)], logs: [thingLog(1)] };
  await scene.add(insertThing('one', effects));
  await scene.redis.xadd(LAZY, '*', 's', 'no MessagePack');
  expect(await drainScene(scene)).toMatchObject({
    complete: true,
    channels: { lazy: { entries: 2, deadLetters: 1, dirtyEvents: 1, cacheKeys: 1, logRows: 1 } },
  });
  const keys = await all.keys('*');
  expect(keys.filter((key) => !key.startsWith('shop:')).toSorted()).toEqual([LOCK_KEY, 'thing']);
  expect(keys).toContain(`shop:${LAZY}:dead-letters`);
  expect(keys).toContain('shop:thing-changed');
  expect(keys).not.toContain('shop:thing');
  const groups = await all.xinfo('GROUPS', `shop:${LAZY}`);
  expect(groups).toMatchObject([expect.arrayContaining(['shop:orm-async-consumer', 'pending', 0])]);
  await scene.redis.set(LOCK_KEY, 'of BeeORM');
  expect(await drainScene(scene)).toMatchObject({ reason: 'locked' });
});

test('a Unix socket is as good as a port', async () => {
  const { directory } = await startOwnRedis();
  const path = `${directory}/redis.sock`;
  const scene = await openSceneInRedis(`redis: ${path}:3`, { path, db: 3 });
  await scene.add(insertThing('one'));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a user with a password of all sorts of characters, and without dangerous commands, is enough', async () => {
  const { host, port } = await startOwnRedis();
  const admin = new Redis({ host, port, protocol: 2 });
  onTestFinished(() => admin.disconnect());
  const password = 'p/a:s?s&w=o@r%d ü';
  await admin.acl('SETUSER', 'app', 'on', `>${password}`, '~*', '&*', '+@all', '-@dangerous', '+info');
  await admin.acl('SETUSER', 'default', 'off');
  const login = (secret: string) =>
    `redis: '${host}:${port}:0?user=app&password=${encodeURIComponent(secret)}'`;
  const scene = await openSceneInRedis(login(password), { host, port, username: 'app', password });
  await scene.add(insertThing('one', { dirty: [thingDirty(1)] }));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  expect(await thingNames(scene)).toEqual(['one']);
  const wrong = await openSceneInRedis(login('wrong-secret'), { host, port, username: 'app', password });
  const error: unknown = await drainScene(wrong).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'redis-authentication' });
  expect(String(error)).not.toContain('wrong-secret');
});

test('TLS: a certificate is checked, its authority and its name', async () => {
  const directory = mkdtempSync(`${tmpdir()}/certificates-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const ours = makeCertificate(directory, 'ours', 'IP:127.0.0.1');
  const another = makeCertificate(directory, 'another', 'DNS:redis.example');
  const { port } = await startOwnRedis();
  const admin = new Redis({ port, protocol: 2 });
  onTestFinished(() => admin.disconnect());
  const tlsPort = port > 60_000 ? port - 1000 : port + 1000;
  const serve = async ({ certificate, key }: typeof ours) => {
    const files = ['tls-cert-file', certificate, 'tls-key-file', key, 'tls-ca-cert-file', certificate];
    await admin.call('CONFIG', 'SET', ...files, 'tls-auth-clients', 'no', 'tls-port', String(tlsPort));
  };
  await serve(ours);
  const scene = await openSceneInRedis(`redis: '127.0.0.1:${tlsPort}:0?tls=true'`, { port });
  const drain = (authority?: string) => {
    const environment = authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority };
    return runConsumerIn(environment, scene, 'drain', '--budget', '5s');
  };
  await scene.add(insertThing('one'));
  const unknown = await drain();
  expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('self-signed certificate') });
  expect(await drain(ours.certificate)).toMatchObject({ exitCode: 0 });
  expect(await thingNames(scene)).toEqual(['one']);
  await serve(another);
  const misnamed = await drain(another.certificate);
  expect(misnamed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('does not match') });
});

test('Sentinel: a drain goes to the master, and after a failover goes on with the one that is master then', async () => {
  const redis = await startSentinelRedis();
  onTestFinished(() => redis.stop());
  const { host, port } = redis.sentinel;
  const scene = await openSceneInRedis(`sentinel:\n  '${MASTER}:4':\n    - ${host}:${port}`, {
    name: MASTER,
    sentinels: [{ host, port }],
    db: 4,
  });
  await scene.add(insertThing('one'));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  const stop = new AbortController();
  const drain = drainScene(scene, { isTail: true, budgetMs: 40_000, signal: stop.signal });
  await scene.add(insertThing('two'));
  await expect.poll(() => thingNames(scene), { timeout: 10_000 }).toEqual(['one', 'two']);
  await redis.failOver();
  await expect.poll(() => scene.add(insertThing('three')).catch(() => ''), { timeout: 10_000 }).not.toBe('');
  await expect.poll(() => thingNames(scene), { timeout: 15_000 }).toEqual(['one', 'two', 'three']);
  stop.abort();
  await drain;
});

async function startOwnRedis(): Promise<RedisServer> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}
