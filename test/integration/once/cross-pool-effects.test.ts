import { expect, test } from 'vitest';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing, thingDirty } from '../../kit/scene/events.ts';
import { dirtyEvents, pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** Effects in a Redis pool other than the entry's own can't be one step with the acknowledgement: markers tell. */

const ELSEWHERE = 'thing-changed-elsewhere';
const MARKERS = 'orm-async-consumer_consumer-1:effects';

test('a poller that is killed between an effect in another pool and the acknowledgement does not double it', async () => {
  const scene = await openScene();
  await scene.otherRedis.set('key', 'stale');
  const effects = { dirty: [thingDirty(0, ['thing-changed', ELSEWHERE])], cacheKeys: { other: ['key'] } };
  await scene.add(insertThing('one', effects));
  expect(await drainInProcess(scene, { killAt: 'poller cross-pool' })).toBeUndefined();
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toEqual(['main.Thing i 1']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual([]);
  expect(await pendingEntries(scene)).toHaveLength(1);
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toEqual(['main.Thing i 1']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  expect(await scene.otherRedis.exists('key')).toBe(0);
});

test('a poller that is killed before its effect in another pool leaves it to the next run', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0, [ELSEWHERE])] }));
  expect(await drainInProcess(scene, { killAt: 'poller logged' })).toBeUndefined();
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toEqual([]);
  await scene.redis.del(LOCK_KEY);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toEqual(['main.Thing i 1']);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a paused poller that wakes after its marker was swept away does not repeat the effect', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0, [ELSEWHERE])] }));
  const breakpoint = new Breakpoint();
  const failpoint = (point: string) => (point === 'logged' ? breakpoint.pause() : undefined);
  const zombie = drainScene(scene, { poller: { failpoint } });
  await breakpoint.reached;
  await scene.redis.del(LOCK_KEY);
  await drainScene(scene);
  await ageMarkers(scene);
  await scene.add(insertThing('two', { dirty: [thingDirty(0, [ELSEWHERE])] }));
  await drainScene(scene);
  expect(await markers(scene)).toHaveLength(1);
  breakpoint.resume();
  await zombie;
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toEqual(['main.Thing i 1', 'main.Thing i 2']);
});

test('markers are swept once their entries are settled for a minute, and not before', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two'])
    await scene.add(insertThing(name, { dirty: [thingDirty(0, [ELSEWHERE])] }));
  await drainScene(scene);
  expect(await markers(scene)).toHaveLength(2);
  await scene.add(insertThing('three', { dirty: [thingDirty(0, [ELSEWHERE])] }));
  await drainScene(scene);
  expect(await markers(scene)).toHaveLength(3);
  await ageMarkers(scene);
  await scene.add(insertThing('four', { dirty: [thingDirty(0, [ELSEWHERE])] }));
  await drainScene(scene);
  expect(await markers(scene)).toHaveLength(1);
  expect(await dirtyEvents(scene.otherRedis, ELSEWHERE)).toHaveLength(4);
});

/** Fields of the hash that stand for an entry: the running drain's token is the one without a space. */
async function markers({ otherRedis }: Scene): Promise<string[]> {
  return (await otherRedis.hkeys(MARKERS)).filter((field) => field.includes(' '));
}

async function ageMarkers(scene: Scene): Promise<void> {
  const longAgo = Date.now() - 61_000;
  for (const field of await markers(scene)) await scene.otherRedis.hset(MARKERS, field, longAgo);
}
