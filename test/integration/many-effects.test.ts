import { expect, test } from 'vitest';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, thingDirty } from '../kit/scene/events.ts';
import { dirtyEvents, pendingEntries } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

const KEYS = 150_000;
const EVENTS = 70_000;

test('an entry with more effects than fit on a stack is settled, and holds up nobody', async () => {
  const scene = await openScene();
  const keys = Array.from({ length: KEYS }, (_, place) => `key ${place}`);
  await scene.redis.set('key 149999', 'stale');
  await scene.otherRedis.set('key 149999', 'stale');
  const dirty = Array.from({ length: EVENTS }, () => thingDirty(1));
  await scene.add(insertThing('large', { cacheKeys: { default: keys, other: keys }, dirty }));
  await scene.add(insertThing('small'));
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { entries: 2, deadLetters: 0 } } });
  expect(await pendingEntries(scene)).toEqual([]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(EVENTS);
  expect(await scene.redis.exists('key 149999')).toBe(0);
  expect(await scene.otherRedis.exists('key 149999')).toBe(0);
});
