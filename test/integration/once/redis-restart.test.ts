import { expect, onTestFinished, test } from 'vitest';
import { type RedisServer, startRedis } from '../../../infra/local/servers/redis-server.ts';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingDirty, thingLog } from '../../kit/scene/events.ts';
import {
  deadLetters,
  dirtyEvents,
  pendingEntries,
  thingCounts,
  thingNames,
} from '../../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** A Redis that restarts knows only what it had written to disk: acknowledged entries come back. */

test('an entry given back as new by a Redis that lost its last second is not executed again', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  await scene.add(insertThing('first'));
  await drainScene(scene);
  await scene.add(insertThing('one', { dirty: [thingDirty(0)], logs: [thingLog(0)] }));
  await scene.redis.save();
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await forgetSinceSave(scene, server);
  expect(await unread(scene)).toBe(1);
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  expect(await thingNames(scene)).toEqual(['first', 'one']);
  expect(await scene.query('SELECT entity_id FROM _log_default_Thing')).toEqual([{ entity_id: 2 }]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 2']);
});

test('an entry given back as pending by a Redis that lost its last second is not executed again', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const failpoint = async (point: string) => {
    if (point === 'read') await scene.redis.save();
  };
  expect(await drainScene(scene, { poller: { failpoint } })).toMatchObject({ complete: true });
  await forgetSinceSave(scene, server);
  expect(await pendingEntries(scene)).toHaveLength(1);
  await scene.redis.del('orm-async-consumer_consumer-1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
});

test('a dead letter that was lost with the last second is written again, with nothing executed twice', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  await scene.add(lazyEvent([countUp(1), { sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 1', id: 1 }]));
  await drainScene(scene, { poller: { failpoint: (point) => savingAt(point, scene) } });
  expect(await deadLetters(scene)).toHaveLength(1);
  await forgetSinceSave(scene, server);
  expect(await deadLetters(scene)).toEqual([]);
  await scene.redis.del('orm-async-consumer_consumer-1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await deadLetters(scene)).toMatchObject([{ code: '1146' }]);
});

test('a drain is complete though Redis still counts entries that were trimmed, as it may after a restart', async () => {
  const scene = await openScene();
  const id = await scene.add(insertThing('one'));
  await drainScene(scene);
  await scene.redis.xtrim(LAZY, 'MAXLEN', 0);
  await scene.redis.call('XGROUP', 'SETID', LAZY, GROUP, id, 'ENTRIESREAD', '0');
  expect(JSON.stringify(await scene.redis.xinfo('GROUPS', LAZY))).toContain('"lag",1');
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { backlog: 0 } } });
});

test('another entry that gets the id of one that Redis has lost is executed', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  await scene.add(insertThing('first'), '1-1');
  await drainScene(scene);
  await scene.redis.save();
  await scene.add(insertThing('lost'), '2-1');
  await drainScene(scene);
  await forgetSinceSave(scene, server);
  await scene.add(insertThing('other'), '2-1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['first', 'lost', 'other']);
});

test('a drain in the midst of which Redis restarts goes on in a new epoch and does all once', async () => {
  const { scene, server } = await openSceneOnOwnRedis();
  for (let number = 0; number < 50; number++)
    await scene.add(insertThing(`${number}`, { dirty: [thingDirty(0)] }));
  const breakpoint = new Breakpoint();
  const drain = drainScene(scene, {
    executorFailpoint: (point) => (point === 'committed' ? breakpoint.pause() : undefined),
  });
  await breakpoint.reached;
  await scene.redis.save();
  await forgetSinceSave(scene, server);
  breakpoint.resume();
  expect(await drain).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toHaveLength(50);
  expect(new Set(await dirtyEvents(scene.redis, 'thing-changed')).size).toBe(50);
  expect(await scene.redis.xlen('thing-changed')).toBe(50);
});

test('a flushed Redis begins with a ledger of its own, and meets nothing of the old one', async () => {
  const { scene } = await openSceneOnOwnRedis();
  await scene.add(insertThing('before'), '5-1');
  await drainScene(scene);
  await scene.redis.flushall();
  await scene.add(insertThing('before'), '5-1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['before', 'before']);
});

async function openSceneOnOwnRedis(): Promise<{ scene: Scene; server: RedisServer }> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { host, port } = server;
  const scene = await openScene({
    redis: { host, port, database: 0 },
    otherRedis: { host, port, database: 1 },
  });
  return { scene, server };
}

/** What was written since the last SAVE is gone, as after a crash. */
async function forgetSinceSave({ redis }: Scene, server: RedisServer): Promise<void> {
  await server.kill();
  await server.restart();
  await expect.poll(() => redis.ping().catch(() => 'not yet')).toBe('PONG');
}

async function savingAt(point: string, { redis }: Scene): Promise<void> {
  if (point === 'read') await redis.save();
}

/** Entries that the group has not read. */
async function unread({ redis }: Scene): Promise<number> {
  const groups: unknown = await redis.xinfo('GROUPS', LAZY);
  const [group]: unknown[] = Array.isArray(groups) ? groups : [];
  const facts: unknown[] = Array.isArray(group) ? group : [];
  expect(facts).toContain(GROUP);
  return Number(facts[facts.indexOf('lag') + 1]);
}
