import { expect, test } from 'vitest';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing, lazyEvent, thingDirty, thingLog } from '../../kit/scene/events.ts';
import { deadLetters, dirtyEvents, pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { LAZY, openScene } from '../../kit/scene/scene.ts';

/** The acknowledgement and all effects are one step: what a step that can't be taken leaves behind. */

test('an entry whose dirty stream is a key of another type is settled, and its event is a dead letter', async () => {
  const scene = await openScene();
  await scene.redis.set('thing-changed', 'no stream');
  await scene.redis.set('key', 'stale');
  await scene.add(insertThing('one', { dirty: [thingDirty(0)], cacheKeys: { default: ['key'] } }));
  await scene.add(insertThing('two'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await scene.redis.exists('key')).toBe(0);
  const [letter] = await deadLetters(scene);
  expect(letter).toMatchObject({ code: 'WRONGTYPE' });
  expect(JSON.parse(letter?.['unapplied'] ?? '')).toMatchObject({
    statements: [],
    dirty: [0],
    dirtyIds: { 0: '1' },
    dirtyStreams: { 0: ['thing-changed'] },
  });
});

test('an entry whose dirty stream in another pool is a key of another type is settled likewise', async () => {
  const scene = await openScene();
  await scene.otherRedis.set('thing-changed-elsewhere', 'no stream');
  const streams = ['thing-changed', 'thing-changed-elsewhere'];
  await scene.add(insertThing('one', { dirty: [thingDirty(0, streams)] }));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  const [letter] = await deadLetters(scene);
  expect(JSON.parse(letter?.['unapplied'] ?? '')).toMatchObject({
    dirty: [0],
    dirtyStreams: { 0: ['thing-changed-elsewhere'] },
  });
});

test('an entry that fails while the dead-letter stream is a key of another type stays pending, effects undone', async () => {
  const scene = await openScene();
  await scene.redis.set(`${LAZY}:dead-letters`, 'no stream');
  const failing = { sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 9', id: 9 };
  const insert = { sql: "INSERT INTO Thing(`Name`) VALUES ('one')" };
  const bad = await scene.add(
    lazyEvent([failing, insert], { dirty: [thingDirty(0)], cacheKeys: { default: ['key'] } }),
  );
  await scene.add(insertThing('two'));
  await scene.redis.set('key', 'kept');
  expect(await drainScene(scene)).toMatchObject({ complete: false, reason: 'failed-entries' });
  expect(await pendingEntries(scene)).toEqual([{ id: bad, deliveries: 1 }]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual([]);
  expect(await scene.redis.exists('key')).toBe(1);
  await scene.redis.del(`${LAZY}:dead-letters`);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect((await thingNames(scene)).toSorted()).toEqual(['one', 'two']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await deadLetters(scene)).toHaveLength(1);
});

test('a stream whose last id is used up can take no dirty event, and says so in a dead letter', async () => {
  const scene = await openScene();
  await scene.redis.xadd('thing-changed', '18446744073709551615-18446744073709551615', 'f', 'v');
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await deadLetters(scene)).toHaveLength(1);
});

test('an entry of more fields than a script can add to a stream is not acknowledged without a dead letter', async () => {
  const scene = await openScene();
  const fields = Array.from({ length: 5000 }, (_, index) => [`tag-${index}`, `${index}`]);
  await scene.redis.xadd(LAZY, '*', 's', 'garbage', ...fields.flat());
  await scene.add(insertThing('one'));
  await drainScene(scene);
  expect(await thingNames(scene)).toEqual(['one']);
  const kept = [...(await pendingEntries(scene)), ...(await deadLetters(scene))];
  expect(kept).toHaveLength(1);
});

test('an entry with thousands of cache keys and dirty events is settled at once', async () => {
  const scene = await openScene();
  const keys = Array.from({ length: 9000 }, (_, index) => `key-${index}`);
  await scene.redis.mset(Object.fromEntries(keys.map((key) => [key, 'stale'])));
  const dirty = Array.from({ length: 3000 }, (_, index) => thingDirty(index + 1));
  await scene.add(insertThing('one', { cacheKeys: { default: keys }, dirty, logs: [thingLog(0)] }));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.redis.exists(...keys)).toBe(0);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(3000);
});
