import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { drainInProcess } from '../kit/scene/drain-in-process.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingDirty } from '../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** The time that a drain may take, and the memory. */

const SECOND_MS = 1000;

test('a statement that waits for a lock does not make the drain run over its budget', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked')");
  const other = await scene.connect();
  await other.query('BEGIN; SELECT * FROM Thing WHERE ID=1 FOR UPDATE');
  await scene.add(lazyEvent([countUp(1)]));
  const [summary, tookMs] = await timed(() => drainScene(scene, { budgetMs: 2000 }));
  expect(tookMs).toBeLessThan(2000 + SECOND_MS);
  expect(summary).toMatchObject({ complete: false });
  expect(await pendingEntries(scene)).toMatchObject([{ deliveries: 1 }]);
  await other.query('COMMIT');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1]);
});

test('an endless backlog is drained up to the budget, and the rest is left unread', async () => {
  const scene = await openScene();
  const pipeline = scene.redis.pipeline();
  for (let number = 0; number < 150_000; number++) pipeline.xadd('orm-lazy-channel', '*', 's', PLAIN);
  await pipeline.exec();
  const [summary, tookMs] = await timed(() => drainScene(scene, { budgetMs: 1200 }));
  expect(tookMs).toBeLessThan(1200 + SECOND_MS);
  expect(summary).toMatchObject({ complete: false, reason: 'budget' });
  const [row] = await scene.query('SELECT COUNT(*) AS count FROM Thing');
  const entries = summary.channels['lazy']?.entries ?? 0;
  const pending = (await pendingEntries(scene)).length;
  expect(Number(row?.['count'])).toBeGreaterThanOrEqual(entries);
  expect(Number(row?.['count'])).toBeLessThanOrEqual(entries + pending);
});

test('a Redis that stalls in the midst of a drain does not make it run over its budget', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  for (let number = 0; number < 20; number++) await scene.add(insertThing(`${number}`));
  const executorFailpoint = (point: string) => {
    if (point === 'recorded') server.signal('SIGSTOP');
  };
  const [end, tookMs] = await timed(() =>
    drainScene(scene, { budgetMs: 2000, executorFailpoint }).catch((error: unknown) => error),
  );
  server.signal('SIGCONT');
  expect(tookMs).toBeLessThan(2000 + SECOND_MS);
  expect(end).not.toMatchObject({ complete: true });
  await scene.redis.del('orm-async-consumer_consumer-1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toHaveLength(20);
});

test('a Redis that is stalled from the start does not make the drain run over its budget', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  await scene.add(insertThing('one'));
  server.signal('SIGSTOP');
  const [, tookMs] = await timed(() => drainScene(scene, { budgetMs: 2000 }).catch(() => undefined));
  server.signal('SIGCONT');
  expect(tookMs).toBeLessThan(2000 + SECOND_MS);
  // What the first one asked for is answered now, as late as it is: it has the lock for a moment.
  await expect.poll(() => drainScene(scene), { timeout: 10_000 }).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('another Redis pool that is stalled does not make the drain run over its budget, nor hold up other entries', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const scene = await openScene({ otherRedis: { host: server.host, port: server.port, database: 0 } });
  await scene.add(insertThing('one', { dirty: [thingDirty(0, ['thing-changed-elsewhere'])] }));
  await scene.add(insertThing('two'));
  server.signal('SIGSTOP');
  const [summary, tookMs] = await timed(() => drainScene(scene, { budgetMs: 2000 }));
  server.signal('SIGCONT');
  expect(tookMs).toBeLessThan(2000 + SECOND_MS);
  expect(summary).toMatchObject({ complete: false, channels: { lazy: { entries: 1 } } });
  expect(await pendingEntries(scene)).toHaveLength(1);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await scene.otherRedis.xlen('thing-changed-elsewhere')).toBe(1);
});

test('a MySQL that is stalled does not make the program run over its budget', async () => {
  const server = await startMariaDb({ flushLogAtCommit: 2 });
  onTestFinished(() => server.stop());
  const { host, port, user, password } = server;
  const scene = await openScene({ mysql: { host, port, user, password } });
  await scene.add(insertThing('one'));
  server.signal('SIGSTOP');
  const [run, tookMs] = await timed(() => runConsumer(scene, 'drain', '--budget', '3s', '--json'));
  server.signal('SIGCONT');
  expect(run.exitCode).not.toBe(0);
  expect(JSON.parse(run.stdout).seconds).toBeLessThan(4);
  // Until the program has started takes its time on a busy machine.
  expect(tookMs).toBeLessThan(3000 + 4 * SECOND_MS);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
});

test('memory stays flat: three hundred entries of 1 MB take little more than a hundred', async () => {
  const scene = await openScene();
  const few = await drainLarge(scene, 100);
  const many = await drainLarge(scene, 300);
  console.log(`few ${few >> 20} MB, many ${many >> 20} MB`);
  expect(many - few).toBeLessThan(64 << 20);
});

test('an entry over max_allowed_packet is a dead letter that says so, and its neighbours are done', async () => {
  const scene = await openScene();
  await scene.add(insertThing('before'));
  await scene.add(lazyEvent([{ sql: documentSql(17 << 20) }]));
  await scene.add(insertThing('after'));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 1 } } });
  const [letter = {}] = await deadLetters(scene);
  expect(letter['code']).toBe('1153');
  expect(letter['message']).toContain('max_allowed_packet');
  expect(await thingNames(scene)).toEqual(['before', 'after']);
});

test('many entries that together are over max_allowed_packet are applied all the same', async () => {
  const scene = await openScene();
  for (let number = 0; number < 30; number++) await scene.add(lazyEvent([{ sql: documentSql(900_000) }]));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 30 } } });
  const [row] = await scene.query('SELECT COUNT(*) AS count FROM Document WHERE LENGTH(Body) = 900000');
  expect(row).toEqual({ count: 30 });
});

const PLAIN = Buffer.concat([
  Buffer.from([0x81, 0xa1, 0x71, 0x91, 0x93, 0xa7]),
  Buffer.from('default'),
  Buffer.from([0xd9, 41]),
  Buffer.from("INSERT INTO Thing(`Name`) VALUES ('many')"),
  Buffer.from([0xc0]),
]);

function documentSql(bytes: number): string {
  return `INSERT INTO Document(\`Body\`) VALUES ('${'x'.repeat(bytes)}')`;
}

/** The most memory that a process of its own had, in bytes. */
async function drainLarge(scene: Scene, entries: number): Promise<number> {
  for (let number = 0; number < entries; number++)
    await scene.add(lazyEvent([{ sql: documentSql(1 << 20) }]));
  const result = await drainInProcess(scene, { budgetMs: 60_000 });
  expect(result?.summary).toMatchObject({ complete: true });
  await scene.redis.del('orm-lazy-channel');
  return result?.maxMemoryBytes ?? 0;
}

async function timed<Result>(work: () => Promise<Result>): Promise<[Result, number]> {
  const startedAt = performance.now();
  const result = await work();
  return [result, performance.now() - startedAt];
}

async function openSceneOnOwnRedis(): Promise<{ scene: Scene; server: RedisServer }> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { host, port } = server;
  const place = { redis: { host, port, database: 0 }, otherRedis: { host, port, database: 1 } };
  return { scene: await openScene(place), server };
}
