import { expect, test } from 'vitest';
import { createLogger } from '../../shared/logging.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { BeeOrmConsumer } from '../kit/scene/beeorm-consumer.ts';
import { drainUntilPaused } from '../kit/scene/drain-in-process.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingLog } from '../kit/scene/events.ts';
import { pendingEntries, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, LOCK_KEY, openScene, type Scene } from '../kit/scene/scene.ts';

/** What BeeORM's consumer leaves is taken over by ours, and the other way round: on the keys themselves. */

const LOG = 'orm-log-channel';
const GARBAGE = 'orm-stream-garbage-collector';
const COLLECTION_KEY = `${GROUP}_gc`;

test("a killed Go consumer's lock is waited for, and what it had read comes first once the lock is gone", async () => {
  const scene = await openScene();
  const beeOrm = new BeeOrmConsumer(scene);
  await beeOrm.takeLock();
  await beeOrm.createGroup();
  await addThings(scene, ['one', 'two', 'three']);
  await beeOrm.read('>', 2); // Killed here.
  await addThings(scene, ['four']);
  const locked = await drainScene(scene);
  expect(locked).toMatchObject({ complete: false, reason: 'locked' });
  expect(locked.message).toContain('held by a BeeORM consumer');
  expect(await thingNames(scene)).toEqual([]);
  expect(await pendingEntries(scene)).toHaveLength(2);
  await expireLock(scene);
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 4 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three', 'four']);
  expect(await pendingEntries(scene)).toEqual([]);
});

test('a drain leaves the lock of BeeORM alone, its time to live too, and says nothing of itself beside it', async () => {
  const scene = await openScene();
  const beeOrm = new BeeOrmConsumer(scene);
  await beeOrm.takeLock();
  const value = await scene.redis.get(LOCK_KEY);
  expect(Buffer.from(String(value), 'base64')).toHaveLength(16);
  await drainScene(scene);
  expect(await scene.redis.get(LOCK_KEY)).toBe(value);
  expect(await scene.redis.ttl(LOCK_KEY)).toBeGreaterThan(85);
  expect(await scene.redis.keys(`${LOCK_KEY}:*`)).toEqual([]);
});

test('a Go consumer that was stopped between two acknowledgements leaves the rest, in order, on every channel', async () => {
  const scene = await openScene();
  const beeOrm = new BeeOrmConsumer(scene);
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await addThings(scene, ['one', 'two', 'three']);
  for (const id of [1, 2]) await scene.redis.xadd(LOG, '*', 's', encode(thingLog(id)));
  for (const stream of [LAZY, LOG]) await beeOrm.createGroup(stream);
  await beeOrm.takeLock();
  const [first] = await beeOrm.read('>');
  if (first !== undefined) {
    await beeOrm.execute(first.body);
    await beeOrm.acknowledge(first.id);
  }
  await beeOrm.read('>', 1, LOG);
  await beeOrm.releaseLock();
  expect(await drainScene(scene)).toMatchObject({
    complete: true,
    channels: { lazy: { entries: 2, pending: 0, backlog: 0 }, log: { entries: 2, pending: 0, backlog: 0 } },
  });
  expect(await thingNames(scene)).toEqual(['counted', 'one', 'two', 'three']);
  expect(await logIds(scene)).toEqual([1, 2]);
});

test('what a Go consumer had executed and not acknowledged is executed again, as BeeORM itself would', async () => {
  const scene = await openScene();
  const beeOrm = new BeeOrmConsumer(scene);
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1)]));
  await beeOrm.createGroup();
  const [first] = await beeOrm.read('>');
  if (first !== undefined) await beeOrm.execute(first.body); // Killed before XACK.
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([2]);
});

test("BeeORM's collection key holds back our collection, whose request is acknowledged all the same", async () => {
  const scene = await openScene();
  await scene.redis.set(COLLECTION_KEY, '1', 'EX', 30, 'NX');
  await scene.redis.xadd(GARBAGE, '*', 's', encode({ Group: GROUP, Pool: 'default' }));
  const beeOrm = new BeeOrmConsumer(scene);
  await beeOrm.createGroup(GARBAGE);
  await beeOrm.read('>', 1, GARBAGE); // Killed in the midst of its collection.
  await addThings(scene, ['one']);
  expect(await drainScene(scene)).toMatchObject({
    complete: true,
    channels: { garbage: { entries: 1, trimmed: 0 }, lazy: { entries: 1 } },
  });
  expect(await scene.redis.ttl(COLLECTION_KEY)).toBeGreaterThan(20);
  await scene.redis.del(COLLECTION_KEY);
  await scene.redis.xadd(GARBAGE, '*', 's', encode({ Group: GROUP, Pool: 'default' }));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { garbage: { entries: 1 } } });
  // A Go consumer finds the key of this collection as it would its own.
  expect(await scene.redis.set(COLLECTION_KEY, '1', 'EX', 30, 'NX')).toBeNull();
});

test('what our killed consumer had read BeeORM takes over under the same names, once the lock has ended', async () => {
  const scene = await openScene();
  await addThings(scene, ['one', 'two']);
  const child = await drainUntilPaused(scene, 'poller read');
  child.kill('SIGKILL');
  await addThings(scene, ['three']);
  const beeOrm = new BeeOrmConsumer(scene);
  expect(await beeOrm.run()).toBe(false);
  const ttlMs = await scene.redis.pttl(LOCK_KEY);
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(20_000);
  const [count, , , consumers] = await scene.redis.xpending(LAZY, GROUP);
  expect({ count, consumers }).toEqual({ count: 2, consumers: [['consumer-1', '2']] });
  await expireLock(scene);
  expect(await beeOrm.run()).toBe(true);
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
  expect(await pendingEntries(scene)).toEqual([]);
});

test('what our killed consumer had executed and not acknowledged BeeORM executes again', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1)]));
  const child = await drainUntilPaused(scene, 'poller executed');
  child.kill('SIGKILL');
  await expect.poll(() => thingCounts(scene)).toEqual([1]);
  await expireLock(scene);
  expect(await new BeeOrmConsumer(scene).run()).toBe(true);
  expect(await thingCounts(scene)).toEqual([2]);
});

test('the two take turns for a while: each entry is executed once, and in order', async () => {
  const scene = await openScene();
  const names = Array.from({ length: 60 }, (_, number) => `${number}`);
  const beeOrm = new BeeOrmConsumer(scene);
  for (let start = 0; start < names.length; start += 10) {
    await addThings(scene, names.slice(start, start + 10));
    if (start % 20 === 0) expect(await beeOrm.run()).toBe(true);
    else expect(await drainScene(scene)).toMatchObject({ complete: true });
  }
  expect(await thingNames(scene)).toEqual(names);
});

test('pending entries of another consumer name are not taken over, and stand in the summary and the log', async () => {
  const scene = await openScene();
  await new BeeOrmConsumer(scene).createGroup();
  await addThings(scene, ['one', 'two']);
  await scene.redis.xreadgroup('GROUP', GROUP, 'consumer-2', 'COUNT', 1, 'STREAMS', LAZY, '>');
  let log = '';
  const write = (line: string) => {
    log += line;
    return true;
  };
  const logger = createLogger({ level: 'warn', destination: { write } });
  expect(await drainScene(scene, { logger })).toMatchObject({
    complete: false,
    channels: { lazy: { entries: 1, pending: 1 } },
  });
  expect(log).toContain('"consumer":"consumer-2","pending":1');
  expect(await thingNames(scene)).toEqual(['two']);
  const [entry] = await pendingEntries(scene);
  // As the documentation tells the operator.
  await scene.redis.xclaim(LAZY, GROUP, 'consumer-1', 0, entry?.id ?? '', 'JUSTID');
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  expect(await thingNames(scene)).toEqual(['two', 'one']);
});

async function addThings(scene: Scene, names: readonly string[]): Promise<void> {
  for (const name of names) await scene.add(insertThing(name));
}

async function expireLock({ redis }: Scene): Promise<void> {
  await redis.pexpire(LOCK_KEY, 1);
  await expect.poll(() => redis.exists(LOCK_KEY)).toBe(0);
}

async function logIds({ query }: Scene): Promise<number[]> {
  return (await query('SELECT entity_id FROM _log_default_Thing ORDER BY id')).map(({ entity_id }) =>
    Number(entity_id),
  );
}
