import { expect, test } from 'vitest';
import { BeeOrmConsumer } from '../../kit/scene/beeorm-consumer.ts';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** Redis's delivery count also counts what other programs did with an entry. Only our own attempts are evidence. */

test('entries that another consumer was delivered a thousand times are applied at once, in stream order', async () => {
  const scene = await openScene();
  await addThings(scene, 495);
  await readByForeignConsumer(scene);
  await addThings(scene, 101, 495);
  let maxItems = 0;
  const summary = await drainScene(scene, {
    wrap: (inner) => ({
      execute: (request) => {
        if (request.operation === 'batch') maxItems = Math.max(maxItems, request.items.length);
        return inner.execute(request);
      },
    }),
  });
  expect(summary).toMatchObject({ complete: true });
  expect(await deadLetters(scene)).toEqual([]);
  expect(await thingNames(scene)).toEqual(Array.from({ length: 596 }, (_, index) => `${index}`));
  // Tried together, not one after the other.
  expect(maxItems).toBeGreaterThan(50);
  expect(await countedAttempts(scene)).toEqual({});
});

test('an entry that kills the process is found among entries with foreign deliveries', async () => {
  const scene = await openScene();
  await addThings(scene, 20);
  const poison = await scene.add(insertThing('poison'));
  await addThings(scene, 20, 20);
  await readByForeignConsumer(scene);
  let kills = 0;
  for (; kills < 20; kills++) {
    await scene.redis.del(LOCK_KEY);
    if ((await drainInProcess(scene, { poisonWord: 'poison' })) !== undefined) break;
  }
  expect(kills).toBeLessThanOrEqual(7);
  expect(await deadLetters(scene)).toMatchObject([{ entry: poison, code: 'kills-consumer' }]);
  expect((await thingNames(scene)).toSorted()).toEqual(
    Array.from({ length: 40 }, (_, index) => `${index}`).toSorted(),
  );
  expect(await countedAttempts(scene)).toEqual({});
});

test('an attempt is counted before it begins, and forgotten when the entry is settled', async () => {
  const scene = await openScene();
  const id = await scene.add(insertThing('one'));
  await readByForeignConsumer(scene);
  const breakpoint = new Breakpoint();
  const drain = drainScene(scene, {
    executorFailpoint: (point) => (point === 'claimed' ? breakpoint.pause() : undefined),
  });
  await breakpoint.reached;
  expect(await countedAttempts(scene)).toEqual({ [id]: '1' });
  breakpoint.resume();
  await drain;
  expect(await countedAttempts(scene)).toEqual({});
});

/** As a consumer of BeeORM leaves its pending entries after it has crashed again and again. */
async function readByForeignConsumer(scene: Scene): Promise<void> {
  const consumer = new BeeOrmConsumer(scene);
  await consumer.createGroup();
  await consumer.read('>');
  const ids = (await pendingEntries(scene)).map(({ id }) => id);
  await scene.redis.call('XCLAIM', LAZY, GROUP, 'consumer-1', '0', ...ids, 'RETRYCOUNT', '1000', 'JUSTID');
}

async function addThings(scene: Scene, count: number, first = 0): Promise<void> {
  for (let number = first; number < first + count; number++) await scene.add(insertThing(`${number}`));
}

function countedAttempts({ redis }: Scene): Promise<Record<string, string>> {
  return redis.hgetall(`${LOCK_KEY}:attempts:${LAZY}`);
}
