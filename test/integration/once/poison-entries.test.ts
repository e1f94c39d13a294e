import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../../kit/scene/scene.ts';

/** An entry that ends the process each time, and entries that only look as if they did. */

test('an entry that kills the process again and again is a dead letter, and those around it are done', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  const killer = await scene.add(insertThing('killer'));
  for (const name of ['three', 'four']) await scene.add(insertThing(name));
  const kills = await runUntilDone(scene, 'killer');
  expect(kills).toBeLessThanOrEqual(7);
  expect((await thingNames(scene)).toSorted()).toEqual(['four', 'one', 'three', 'two']);
  const letters = await deadLetters(scene);
  expect(letters).toHaveLength(1);
  expect(letters[0]).toMatchObject({ entry: killer, code: 'kills-consumer', attempts: '7' });
  expect(await pendingEntries(scene)).toEqual([]);
});

test('an outage that outlives a hundred drains makes no entry a killer', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const isDown = { status: 'error', kind: 'transient', code: '2003', message: 'down' } as const;
  const wrap = (): SqlExecutor => ({ execute: () => Promise.resolve(isDown) });
  let most = 0;
  for (let drains = 0; drains < 100; drains++) {
    await drainScene(scene, { wrap, budgetMs: 300 });
    for (const { deliveries } of await pendingEntries(scene)) most = Math.max(most, deliveries);
  }
  // A busy machine may leave a drain as short as this no time to set the count back, but then the next one does.
  expect(most).toBeLessThanOrEqual(3);
  expect(await pendingEntries(scene)).toHaveLength(3);
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

test('an executor that cannot be used until somebody changes something makes no entry a killer', async () => {
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

/** How often the process was killed until the streams were empty. */
async function runUntilDone(scene: Scene, poisonWord: string): Promise<number> {
  for (let kills = 0; kills < 20; kills++) {
    // What a killed poller leaves ends by itself after a while.
    await scene.redis.del('orm-async-consumer_consumer-1');
    const result = await drainInProcess(scene, { poisonWord });
    if (result?.summary.complete === true) return kills;
  }
  throw new Error('it never ends');
}
