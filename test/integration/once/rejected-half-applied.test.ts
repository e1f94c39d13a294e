import { expect, test } from 'vitest';
import { RedisDeadLetters } from '../../../functions/poller/operations/dead-letters.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { drainInProcess } from '../../kit/scene/drain-in-process.ts';
import { type DrainSetting, drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThingSql, lazyEvent, thingDirty, thingLog } from '../../kit/scene/events.ts';
import {
  deadLetters,
  dirtyEvents,
  pendingEntries,
  thingCounts,
  thingNames,
} from '../../kit/scene/inspect-scene.ts';
import { LOCK_KEY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** An entry that an earlier drain has applied in part, and that is then rejected: only its remaining work may be redriven. */

const INSERT_SALE = "INSERT INTO Sale(`Name`) VALUES ('sale')";

test('a half-applied entry whose MySQL pool leaves the registry keeps only its remaining work, and redriving it applies that once', async () => {
  const scene = await openScene();
  await addHalf(scene);
  await drainScene(scene, shopIsDown);
  expect(await thingNames(scene)).toEqual(['thing']);
  expect(await pendingEntries(scene)).toHaveLength(1);

  const withoutShop = { ...scene.registry, mysqlPools: without(scene.registry.mysqlPools, 'shop') };
  await drainScene({ ...scene, registry: withoutShop });
  const [letter] = await deadLetters(scene);
  expect(letter).toMatchObject({ code: 'unknown-pool' });
  expect(JSON.parse(letter?.['unapplied'] ?? '')).toMatchObject({ all: false, statements: [1] });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);

  await redriveAll(scene);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectAppliedOnce(scene);
});

test('a rejected entry stays pending while the ledger that knows what it did cannot be asked', async () => {
  const scene = await openScene();
  await addHalf(scene);
  await drainScene(scene, shopIsDown);
  const withoutShop = { ...scene.registry, mysqlPools: without(scene.registry.mysqlPools, 'shop') };
  await drainScene({ ...scene, registry: withoutShop }, { ...isDown('default'), budgetMs: 1500 });
  expect(await pendingEntries(scene)).toHaveLength(1);
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectAppliedOnce(scene);
});

test('a half-applied entry with a statement that is no longer allowed keeps only its remaining work', async () => {
  const scene = await openScene();
  const allowedStatements = ['SET'];
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  const failing = { sql: 'SET @counted = 1', pool: 'shop' };
  await scene.add(lazyEvent([countUp(1), failing], { dirty: [thingDirty(1)], logs: [thingLog(1)] }));
  await drainScene(scene, { ...shopIsDown, allowedStatements });
  expect(await thingCounts(scene)).toEqual([1]);
  await drainScene(scene);
  expect(await deadLetters(scene)).toMatchObject([{ code: 'refused-statement' }]);
  await redriveAll(scene);
  expect(await drainScene(scene, { allowedStatements })).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await scene.query('SELECT entity_id FROM _log_default_Thing')).toEqual([{ entity_id: 1 }]);
});

test('a half-applied entry that kills the consumer keeps only its remaining work', async () => {
  const scene = await openScene();
  await addHalf(scene);
  await drainScene(scene, shopIsDown);
  for (let kills = 0; kills < 20; kills++) {
    await scene.redis.del(LOCK_KEY);
    if ((await drainInProcess(scene, { poisonWord: 'sale' })) !== undefined) break;
  }
  const [letter] = await deadLetters(scene);
  expect(letter).toMatchObject({ code: 'kills-consumer' });
  expect(JSON.parse(letter?.['unapplied'] ?? '')).toMatchObject({ all: false, statements: [1] });
  await redriveAll(scene);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectAppliedOnce(scene);
});

test('a rejected entry of which nothing was applied becomes a dead letter as a whole', async () => {
  const scene = await openScene();
  await scene.add(lazyEvent([{ sql: insertThingSql('thing') }, { sql: 'DROP TABLE Thing' }]));
  await drainScene(scene);
  const [letter] = await deadLetters(scene);
  expect(letter).toMatchObject({ code: 'refused-statement' });
  expect(JSON.parse(letter?.['unapplied'] ?? '')).toMatchObject({ all: true });
  expect(await thingNames(scene)).toEqual([]);
});

test('the cache keys of a Redis pool that left the registry stay in the dead letter of a half-applied entry', async () => {
  const scene = await openScene();
  const cacheKeys = { default: ['here'], other: ['there'] };
  await scene.add(
    lazyEvent([{ sql: insertThingSql('thing') }, { sql: INSERT_SALE, pool: 'shop' }], { cacheKeys }),
  );
  await scene.redis.set('here', 'stale');
  await scene.otherRedis.set('there', 'stale');
  await drainScene(scene, shopIsDown);
  const registry = { ...scene.registry, redisPools: without(scene.registry.redisPools, 'other') };
  await drainScene({ ...scene, registry });
  expect(await deadLetters(scene)).toMatchObject([{ code: 'unknown-pool' }]);
  await redriveAll(scene);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  await expectAppliedOnce(scene);
  expect(await scene.redis.exists('here')).toBe(0);
  expect(await scene.otherRedis.exists('there')).toBe(0);
});

async function addHalf(scene: Scene): Promise<void> {
  const statements = [{ sql: insertThingSql('thing') }, { sql: INSERT_SALE, pool: 'shop' }];
  await scene.add(lazyEvent(statements, { dirty: [thingDirty(0)] }));
}

async function expectAppliedOnce(scene: Scene): Promise<void> {
  expect(await thingNames(scene)).toEqual(['thing']);
  expect(await scene.shopQuery('SELECT Name FROM Sale')).toEqual([{ Name: 'sale' }]);
  expect(await deadLetters(scene)).toEqual([]);
}

async function redriveAll({ registry }: Scene): Promise<void> {
  expect(await new RedisDeadLetters(registry).redrive({})).toEqual({ redriven: 1 });
}

function isDown(pool: string): DrainSetting {
  const down = { status: 'error', kind: 'transient', code: '2003', message: 'down' } as const;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: (request) => (request.pool === pool ? Promise.resolve(down) : inner.execute(request)),
  });
  return { wrap };
}

const shopIsDown = { ...isDown('shop'), budgetMs: 1500 };

function without<Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> {
  return new Map([...map].filter(([name]) => name !== key));
}
