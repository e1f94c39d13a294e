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

/** A zombie is a poller that is paused until its lock has expired, and then continues as if nothing had happened. */

test('a paused poller cannot read entries if another consumer holds the lock when it resumes', async () => {
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

test('a paused poller cannot read entries if its successor has finished when it resumes', async () => {
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

test('a paused poller that has read entries does nothing if its successor has applied them when it resumes', async () => {
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

test('the fence refuses the first batch of a poller that is paused after opening its epoch', async () => {
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

test('a successor waits for a batch of its predecessor that is not committed yet, and finds it done', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const breakpoint = new Breakpoint();
  const zombie = drainScene(scene, {
    executorFailpoint: (point) => (point === 'recorded' ? breakpoint.pause() : undefined),
  });
  await breakpoint.reached;
  await scene.redis.del(LOCK_KEY);
  const successor = drainScene(scene);
  await expect.poll(() => scene.query(WAITING_FOR_FENCE), SLOW_POLLING).toHaveLength(1);
  breakpoint.resume();
  expect(await successor).toMatchObject({ complete: true });
  await zombie;
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
});

test('a paused poller changes nothing when it settles entries that its successor has settled', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)], cacheKeys: { default: ['key'] } }));
  await scene.add(lazyEvent([{ sql: 'UPDATE Nothing SET a=1 WHERE `ID` = 1', id: 1 }]));
  const { breakpoint, zombie } = await pauseAt(scene, 'cross-pool');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await scene.redis.set('key', 'cached again');
  breakpoint.resume();
  await zombie;
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await deadLetters(scene)).toHaveLength(1);
  expect(await scene.redis.get('key')).toBe('cached again');
});

test('a paused poller that fences off its successor stops without harm, and the next drain continues', async () => {
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

/** The server's list of transactions may lag a little, and frequent queries make it lag more. */
const SLOW_POLLING = { interval: 300, timeout: 4000 };

const WAITING_FOR_FENCE = `SELECT trx_id FROM information_schema.INNODB_TRX
  WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE CONCAT('UPDATE%', REPLACE(DATABASE(), 'app', 'ledger'), '%fence%')`;

/** Starts a drain that pauses when it first reaches `point`. */
async function pauseAt(scene: Scene, point: FailpointName) {
  const breakpoint = new Breakpoint();
  const failpoint = (reached: FailpointName) => (reached === point ? breakpoint.pause() : undefined);
  const zombie = drainScene(scene, { poller: { failpoint } });
  await breakpoint.reached;
  return { breakpoint, zombie };
}
