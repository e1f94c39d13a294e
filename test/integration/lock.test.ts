import { expect, test } from 'vitest';
import { Breakpoint } from '../kit/scene/breakpoint.ts';
import { drainUntilPaused } from '../kit/scene/drain-in-process.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { LAZY, LOCK_KEY, openScene, type Scene } from '../kit/scene/scene.ts';

/** BeeORM's lock: either its consumer runs or ours, never both. */

test("while BeeORM's consumer holds the lock a drain says so and until when, and exits 0", async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  await takeLockAsBeeOrm(scene);
  const run = await runConsumer(scene, 'drain', '--json');
  expect(run.exitCode).toBe(0);
  const summary = JSON.parse(run.stdout);
  expect(summary).toMatchObject({ complete: false, reason: 'locked' });
  expect(summary.message).toMatch(/held by a BeeORM consumer.* ends in (90|89|88|87|86|85) s/);
  expect(await scene.redis.get(LOCK_KEY)).toBe('of BeeORM');
  expect(await thingNames(scene)).toEqual([]);
});

test('while another poller of ours holds the lock a drain names the machine and the process', async () => {
  const scene = await openScene();
  const child = await drainUntilPaused(scene, 'poller locked');
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: false, reason: 'locked' });
  expect(summary.message).toContain(`process ${child.pid}`);
});

test('a poller that was killed keeps others out no longer than its time to live', async () => {
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

test('the lock is refreshed on its own timer while a statement runs for longer than it lives', async () => {
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

test('a lock that passes into other hands in the midst of a drain stops it without harm', async () => {
  const scene = await openScene();
  for (let number = 0; number < 30; number++) await scene.add(insertThing(`${number}`));
  const breakpoint = new Breakpoint();
  const executorFailpoint = (point: string) => (point === 'executed' ? breakpoint.pause() : undefined);
  const setting = { executorFailpoint, batchSize: 5, poller: { lockTtlMs: 400 } };
  const drain = drainScene(scene, setting);
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

test("the lock is released at the end, and BeeORM's consumer can take it at once", async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.redis.keys(`${LOCK_KEY}*`)).toEqual([`${LOCK_KEY}:ledger`]);
  expect(await takeLockAsBeeOrm(scene)).toBe('OK');
});

test('the lock is released where a drain can not go on', async () => {
  const scene = await openScene();
  await scene.redis.set(LAZY, 'no stream');
  const drain = drainScene(scene, { budgetMs: 2000 });
  await drain.catch(() => undefined);
  expect(await scene.redis.exists(LOCK_KEY)).toBe(0);
});

test('of two drains that begin at once one runs, and the other says that it is locked', async () => {
  const scene = await openScene();
  for (let number = 0; number < 200; number++) await scene.add(insertThing(`${number}`));
  const ends = await Promise.all([drainScene(scene), drainScene(scene)]);
  expect(ends.map(({ reason }) => reason).toSorted()).toEqual(['drained', 'locked']);
  expect(await thingNames(scene)).toHaveLength(200);
});

test('what a stopped Go consumer left pending is drained before what is new', async () => {
  const scene = await openScene();
  await scene.redis.xgroup('CREATE', LAZY, 'orm-async-consumer', '0', 'MKSTREAM');
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  await scene.redis.xreadgroup('GROUP', 'orm-async-consumer', 'consumer-1', 'STREAMS', LAZY, '>');
  await scene.add(insertThing('three'));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 3 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

/** `OK`, or null where somebody holds it. */
function takeLockAsBeeOrm({ redis }: Scene): Promise<'OK' | null> {
  return redis.set(LOCK_KEY, 'of BeeORM', 'EX', 90, 'NX');
}
