import { expect, test } from 'vitest';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** A group that is set back while a drain reads it delivers entries again that this very drain has applied. */

test('a group that is set back between two pages makes the drain start over, and nothing is executed twice', async () => {
  const scene = await openScene();
  await addThings(scene, 2000);
  const failpoint = setBackAt(scene, 'read', 1);
  expect(await drainScene(scene, { poller: { failpoint } })).toMatchObject({ complete: true });
  await expectEachOnce(scene, 2000);
});

test('nothing is executed twice if the group is set back while entries are in flight', async () => {
  const scene = await openScene();
  await addThings(scene, 2500);
  const failpoint = setBackAt(scene, 'read', 2);
  expect(await drainScene(scene, { poller: { failpoint }, batchSize: 50 })).toMatchObject({ complete: true });
  await expectEachOnce(scene, 2500);
});

test('nothing is executed twice if the group is set back after the drain has looked at its position', async () => {
  const scene = await openScene();
  await addThings(scene, 20);
  await drainScene(scene);
  await scene.add(insertThing('20'));
  const failpoint = setBackAt(scene, 'locked', 1);
  expect(await drainScene(scene, { poller: { failpoint } })).toMatchObject({ complete: true });
  await expectEachOnce(scene, 21);
});

test('nothing is executed twice if a group is set back whose entries are pending', async () => {
  const scene = await openScene();
  await addThings(scene, 20);
  expect(await drainInProcess(scene, { killAt: 'poller executed' })).toBeUndefined();
  expect(await pendingEntries(scene)).toHaveLength(20);
  await scene.redis.xgroup('SETID', LAZY, GROUP, '0');
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectEachOnce(scene, 20);
});

test('a group that is set back during a drain to entries with pruned ledger rows stops the drain', async () => {
  const scene = await openScene();
  await addThings(scene, 3);
  await drainScene(scene);
  await scene.query(`UPDATE ${scene.ledgerDatabase}.batches SET settled_at = NOW() - INTERVAL 61 SECOND`);
  await scene.add(insertThing('3'));
  await drainScene(scene);
  await addThings(scene, 2000, 4);
  const summary = await drainScene(scene, { poller: { failpoint: setBackAt(scene, 'read', 1) } });
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain('were applied and their ledger rows are deleted');
  const names = await thingNames(scene);
  expect(new Set(names).size).toBe(names.length);
});

async function addThings(scene: Scene, count: number, first = 0): Promise<void> {
  for (let number = first; number < first + count; number++) await scene.add(insertThing(`${number}`));
}

async function expectEachOnce(scene: Scene, count: number): Promise<void> {
  const names = await thingNames(scene);
  expect(new Set(names).size).toBe(count);
  expect(names).toHaveLength(count);
  expect(await pendingEntries(scene)).toEqual([]);
}

/** Sets the group back when the drain reaches the failpoint for the nth time. */
function setBackAt({ redis }: Scene, name: string, nth: number): (point: string) => Promise<void> {
  let reached = 0;
  return async (point) => {
    if (point === name && ++reached === nth) await redis.xgroup('SETID', LAZY, GROUP, '0');
  };
}
