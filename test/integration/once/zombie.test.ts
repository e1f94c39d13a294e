import { expect, test } from 'vitest';
import type { FailpointName } from '../../../functions/poller/failpoints.ts';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingDirty } from '../../kit/scene/events.ts';
import {
  deadLetters,
  dirtyEvents,
  pendingEntries,
  thingCounts,
  thingNames,
} from '../../kit/scene/inspect-scene.ts';
import { LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** A zombie is a poller that was paused for longer than its lock lives, and goes on as if nothing had happened. */

test('the read of a paused poller that wakes under another lock is refused', async () => {
  const scene = await openScene();
  const { breakpoint, zombie } = await pauseAt(scene, 'locked');
  await scene.add(insertThing('one'));
  await scene.redis.set(LOCK_KEY, 'of its successor');
  breakpoint.resume();
  expect(await zombie).toMatchObject({ complete: false, reason: 'lock-lost' });
  expect(await pendingEntries(scene)).toEqual([]);
  expect(await scene.redis.get(LOCK_KEY)).toBe('of its successor');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('the read of a paused poller that wakes after its successor has finished is refused', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const { breakpoint, zombie } = await pauseAt(scene, 'locked');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  const late = await scene.add(insertThing('two'));
  breakpoint.resume();
  expect(await zombie).toMatchObject({ reason: 'lock-lost' });
  expect(await pendingEntries(scene)).toEqual([]);
  expect(await thingNames(scene)).toEqual(['one']);
  await drainScene(scene);
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(late).not.toBe('');
});

test('a paused poller that holds entries and wakes after its successor has done them does nothing', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const { breakpoint, zombie } = await pauseAt(scene, 'read');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  breakpoint.resume();
  expect(await zombie).toMatchObject({ complete: false, reason: 'lock-lost' });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  await scene.add(insertThing('two'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
});

test('a paused poller that wakes between its opening and its first batch is refused by the fence', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const breakpoint = new Breakpoint();
  const zombie = drainScene(scene, {
    wrap: (inner) => ({
      execute: async (request) => {
        if (request.operation === 'batch') await breakpoint.pause();
        return inner.execute(request);
      },
    }),
  });
  await breakpoint.reached;
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  breakpoint.resume();
  expect(await zombie).toMatchObject({ complete: false, reason: 'lock-lost' });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a successor that opens while a batch of its predecessor is not committed waits for it and finds it', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const breakpoint = new Breakpoint();
  const zombie = drainScene(scene, {
    executorFailpoint: (point) => (point === 'recorded' ? breakpoint.pause() : undefined),
  });
  await breakpoint.reached;
  await scene.redis.del(LOCK_KEY);
  const successor = drainScene(scene);
  await expect.poll(() => scene.query(WAITING_FOR_FENCE), PATIENTLY).toHaveLength(1);
  breakpoint.resume();
  expect(await successor).toMatchObject({ complete: true });
  await zombie;
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
});

test('a paused poller that settles what its successor has settled changes nothing', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)], cacheKeys: { default: ['key'] } }));
  await scene.add(lazyEvent([{ sql: 'UPDATE Nothing SET a=1 WHERE `ID` = 1', id: 1 }]));
  const { breakpoint, zombie } = await pauseAt(scene, 'cross-pool');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await scene.redis.set('key', 'cached anew');
  breakpoint.resume();
  await zombie;
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await deadLetters(scene)).toHaveLength(1);
  expect(await scene.redis.get('key')).toBe('cached anew');
});

test('a paused poller that opens an epoch over its successor stops harmlessly, and the next run goes on', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1)]));
  const { breakpoint, zombie } = await pauseAt(scene, 'read');
  await scene.redis.del(LOCK_KEY);
  const batchBreakpoint = new Breakpoint();
  const successor = drainScene(scene, {
    wrap: (inner) => ({
      execute: async (request) => {
        if (request.operation === 'batch') await batchBreakpoint.pause();
        return inner.execute(request);
      },
    }),
  });
  await batchBreakpoint.reached;
  breakpoint.resume();
  expect(await zombie).toMatchObject({ reason: 'lock-lost' });
  batchBreakpoint.resume();
  await successor;
  await drainScene(scene);
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await pendingEntries(scene)).toEqual([]);
});

/** The server's own view of its transactions may be a little old, and is the older the more often one asks. */
const PATIENTLY = { interval: 300, timeout: 4000 };

const WAITING_FOR_FENCE = `SELECT trx_id FROM information_schema.INNODB_TRX
  WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE CONCAT('UPDATE%', REPLACE(DATABASE(), 'app', 'ledger'), '%fence%')`;

/** A drain that stands still where it first comes to `point`. */
async function pauseAt(scene: Scene, point: FailpointName) {
  const breakpoint = new Breakpoint();
  const failpoint = (reached: FailpointName) => (reached === point ? breakpoint.pause() : undefined);
  const zombie = drainScene(scene, { poller: { failpoint } });
  await breakpoint.reached;
  return { breakpoint, zombie };
}
