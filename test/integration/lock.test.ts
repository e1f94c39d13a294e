import { expect, test } from 'vitest';
import { Breakpoint } from '../kit/scene/breakpoint.ts';
import { drainUntilPaused } from '../kit/scene/drain-in-process.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { LAZY, LOCK_KEY, openScene, type Scene } from '../kit/scene/scene.ts';

/** BeeORM's lock ensures that either BeeORM's consumer or ours runs, never both. */

test("a drain reports that BeeORM's consumer holds the lock, and for how long, and exits with 0", async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  await takeLockAsBeeOrm(scene);
  const run = await runConsumer(scene, 'drain', '--json');
  expect(run.exitCode).toBe(0);
  const summary = JSON.parse(run.stdout);
  expect(summary).toMatchObject({ complete: false, reason: 'locked' });
  expect(summary.message).toMatch(/held by a BeeORM consumer.* expires in (90|89|88|87|86|85) s/);
  expect(await scene.redis.get(LOCK_KEY)).toBe('of BeeORM');
  expect(await thingNames(scene)).toEqual([]);
});

test('a drain names the machine and the process of our poller that holds the lock', async () => {
  const scene = await openScene();
  const child = await drainUntilPaused(scene, 'poller locked');
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: false, reason: 'locked' });
  expect(summary.message).toContain(`process ${child.pid}`);
});

test('the lock of a killed poller blocks other pollers only for its time to live', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const child = await drainUntilPaused(scene, 'poller read');
  child.kill('SIGKILL');
  const remainingMs = await scene.redis.pttl(LOCK_KEY);
  expect(remainingMs).toBeGreaterThan(0);
  expect(remainingMs).toBeLessThanOrEqual(20_000);
  await scene.redis.pexpire(LOCK_KEY, 300);
  await expect.poll(() => scene.redis.exists(LOCK_KEY)).toBe(0);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('the lock is refreshed on a timer, so it outlives a statement that runs for longer than its time to live', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const breakpoint = new Breakpoint();
  const executorFailpoint = (point: string) => (point === 'executed' ? breakpoint.pause() : undefined);
  const drain = drainScene(scene, { executorFailpoint, poller: { lockTtlMs: 400 } });
  await breakpoint.reached;
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(await takeLockAsBeeOrm(scene)).toBeNull();
  breakpoint.resume();
  expect(await drain).toMatchObject({ complete: true });
});

test('a drain that loses its lock to another consumer stops without causing damage', async () => {
  const scene = await openScene();
  for (let number = 0; number < 30; number++) await scene.add(insertThing(`${number}`));
  const breakpoint = new Breakpoint();
  const executorFailpoint = (point: string) => (point === 'executed' ? breakpoint.pause() : undefined);
  const settings = { executorFailpoint, batchSize: 5, poller: { lockTtlMs: 400 } };
  const drain = drainScene(scene, settings);
  await breakpoint.reached;
  await scene.redis.set(LOCK_KEY, 'of BeeORM');
  await new Promise((resolve) => setTimeout(resolve, 300));
  breakpoint.resume();
  expect(await drain).toMatchObject({ complete: false, reason: 'lock-lost' });
  expect(await scene.redis.get(LOCK_KEY)).toBe('of BeeORM');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(Array.from({ length: 30 }, (_, number) => `${number}`));
});

test("a drain releases its lock at the end, and BeeORM's consumer can take it at once", async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.redis.keys(`${LOCK_KEY}*`)).toEqual([`${LOCK_KEY}:ledger`]);
  expect(await takeLockAsBeeOrm(scene)).toBe('OK');
});

test('a drain that cannot continue releases its lock', async () => {
  const scene = await openScene();
  await scene.redis.set(LAZY, 'no stream');
  const drain = drainScene(scene, { budgetMs: 2000 });
  await drain.catch(() => undefined);
  expect(await scene.redis.exists(LOCK_KEY)).toBe(0);
});

test('if two drains start at once, one runs and the other reports that it is locked out', async () => {
  const scene = await openScene();
  for (let number = 0; number < 200; number++) await scene.add(insertThing(`${number}`));
  const ends = await Promise.all([drainScene(scene), drainScene(scene)]);
  expect(ends.map(({ reason }) => reason).toSorted()).toEqual(['drained', 'locked']);
  expect(await thingNames(scene)).toHaveLength(200);
});

test('entries that a stopped BeeORM consumer left pending are drained before new entries', async () => {
  const scene = await openScene();
  await scene.redis.xgroup('CREATE', LAZY, 'orm-async-consumer', '0', 'MKSTREAM');
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  await scene.redis.xreadgroup('GROUP', 'orm-async-consumer', 'consumer-1', 'STREAMS', LAZY, '>');
  await scene.add(insertThing('three'));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 3 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

/** Returns `OK`, or null if the lock is held. */
function takeLockAsBeeOrm({ redis }: Scene): Promise<'OK' | null> {
  return redis.set(LOCK_KEY, 'of BeeORM', 'EX', 90, 'NX');
}
