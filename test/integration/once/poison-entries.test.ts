import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../../kit/scene/scene.ts';

/** An entry that kills the process each time, and entries that only seem to. */

test('an entry that kills the process repeatedly becomes a dead letter, and the entries around it are applied', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  const poison = await scene.add(insertThing('poison'));
  for (const name of ['three', 'four']) await scene.add(insertThing(name));
  const kills = await runUntilDone(scene, 'poison');
  expect(kills).toBeLessThanOrEqual(7);
  expect((await thingNames(scene)).toSorted()).toEqual(['four', 'one', 'three', 'two']);
  const found = await deadLetters(scene);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ entry: poison, code: 'kills-consumer', attempts: '7' });
  expect(await pendingEntries(scene)).toEqual([]);
});

test('an outage that lasts for a hundred drains turns no entry into a poison entry', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const isDown = { status: 'error', kind: 'transient', code: '2003', message: 'down' } as const;
  const wrap = (): SqlExecutor => ({ execute: () => Promise.resolve(isDown) });
  let maxDeliveries = 0;
  for (let drains = 0; drains < 100; drains++) {
    await drainScene(scene, { wrap, budgetMs: 300 });
    for (const { deliveries } of await pendingEntries(scene))
      maxDeliveries = Math.max(maxDeliveries, deliveries);
  }
  // On a busy machine a drain as short as this may have no time to reset the count, but then the next drain does.
  expect(maxDeliveries).toBeLessThanOrEqual(3);
  expect(await pendingEntries(scene)).toHaveLength(3);
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

test('an executor that fails until its configuration is fixed turns no entry into a poison entry', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const isDenied = { status: 'error', kind: 'configuration', code: '1045', message: 'denied' } as const;
  const wrap = (): SqlExecutor => ({ execute: () => Promise.resolve(isDenied) });
  for (let drains = 0; drains < 20; drains++) await drainScene(scene, { wrap });
  expect(await pendingEntries(scene)).toMatchObject([{ deliveries: 1 }]);
  await drainScene(scene);
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await deadLetters(scene)).toEqual([]);
});

/** Returns how often the process was killed until the streams were empty. */
async function runUntilDone(scene: Scene, poisonWord: string): Promise<number> {
  for (let kills = 0; kills < 20; kills++) {
    // As if the lock of the killed poller had expired.
    await scene.redis.del('orm-async-consumer_consumer-1');
    const result = await drainInProcess(scene, { poisonWord });
    if (result?.summary.complete === true) return kills;
  }
  throw new Error('the streams are not empty after 20 drains');
}
