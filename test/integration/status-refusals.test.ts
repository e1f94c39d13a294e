import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, lazyEvent, thingDirty } from '../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingCounts } from '../kit/scene/inspect-scene.ts';
import { EVERYTHING, openRestrictedScene, type RestrictedScene } from '../kit/scene/restricted-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { LAZY } from '../kit/scene/scene.ts';

async function readRedisStatus(scene: RestrictedScene) {
  const { exitCode, stdout } = await runConsumer(scene, 'status', '--json');
  const pools: { kind: string; pool: string; failure?: unknown }[] = JSON.parse(stdout).pools;
  const failure = pools.find(({ kind, pool }) => kind === 'redis' && pool === 'default')?.failure;
  return { exitCode, failure };
}

describe('status names the command that Redis would refuse to a drain, without changing anything:', () => {
  test.each<[string, string[]]>([
    ["UNLINK on 'background-consumer:any-cache-key'", ['~orm-*', '~thing-changed*', '+@all']],
    ["XADD on 'thing-changed'", ['(~* +@all -xadd)', '(~orm-* +xadd)']],
    [
      `XADD on '${LAZY}:dead-letters'`,
      ['(~* +@all -xadd)', `(~thing-changed ~orm-log* ~orm-redis* ~orm-stream* ~${LAZY} +xadd)`],
    ],
    [`XACK on '${LAZY}'`, ['~*', '+@all', '-xack']],
    ["DEL on 'orm-async-consumer_consumer-1'", ['~*', '+@all', '-del']],
  ])('%s', async (refused, rules) => {
    const scene = await openRestrictedScene(rules);
    const keys = await scene.redis.keys('*');
    expect(await readRedisStatus(scene)).toEqual({
      exitCode: 1,
      failure: {
        stage: 'permission',
        code: 'NOPERM',
        message: expect.stringContaining(refused),
        nextStep: expect.stringContaining('docs/deploy.md'),
      },
    });
    expect(await scene.redis.keys('*')).toEqual(keys);
    await scene.allow(EVERYTHING);
    expect(await readRedisStatus(scene)).toEqual({ exitCode: 0, failure: undefined });
  });
});

describe('status names the next step if Redis refuses every write:', () => {
  test.each<[string, string[], string]>([
    ['OOM', ['config', 'set', 'maxmemory', '1'], 'Raise maxmemory'],
    ['NOREPLICAS', ['config', 'set', 'min-replicas-to-write', '1'], 'min-replicas-to-write'],
    ['READONLY', ['replicaof', '127.0.0.1', '9'], 'primary'],
  ])('%s', async (code, [name = '', ...args], nextStep) => {
    const scene = await openRestrictedScene();
    await scene.redis.call(name, ...args);
    expect(await readRedisStatus(scene)).toMatchObject({
      exitCode: 1,
      failure: { stage: 'server', code, nextStep: expect.stringContaining(nextStep) },
    });
  });
});

test('a user with exactly the documented rules can do everything that the consumer does', async () => {
  const scene = await openRestrictedScene(documentedRules());
  await scene.query("INSERT INTO Thing (Name) VALUES ('one')");
  await scene.redis.set('key', 'stale');
  const failing = { sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 9', id: 9 };
  const dirty = [thingDirty(1, ['thing-changed', 'thing-changed-elsewhere'])];
  await scene.add(lazyEvent([countUp(1), failing], { cacheKeys: { default: ['key'] }, dirty }));
  expect(await readRedisStatus(scene)).toEqual({ exitCode: 0, failure: undefined });
  const drained = await drainScene(scene);
  expect(drained).toMatchObject({
    complete: true,
    channels: { lazy: { dirtyEvents: 2, cacheKeys: 1, deadLetters: 1 } },
  });
  expect(drained.channels['garbage']).not.toHaveProperty('error');
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await dirtyEvents(scene.otherRedis, 'thing-changed-elsewhere')).toHaveLength(1);
  expect(await scene.redis.exists('key')).toBe(0);
  const redrive = await runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json');
  expect(JSON.parse(redrive.stdout)).toEqual({ redriven: 1 });
  const tail = new AbortController();
  setTimeout(() => tail.abort(), 1500);
  await drainScene(scene, { isTail: true, signal: tail.signal, collectsGarbage: true });
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await deadLetters(scene)).toHaveLength(1);
  const discard = await runConsumer(scene, 'dead-letters', 'discard', '--all', '--json');
  expect(JSON.parse(discard.stdout)).toEqual({ discarded: 1 });
});

/** The rules of `ACL SETUSER` in docs/deploy.md, with the stream's name of the scene. */
function documentedRules(): string[] {
  const page = readFileSync(`${import.meta.dirname}/../../docs/deploy.md`, 'utf8');
  const [, rules = ''] = /^ACL SETUSER consumer on >PASSWORD resetkeys (.*)$/m.exec(page) ?? [];
  return rules.replace('~user-changed*', '~thing-changed*').match(/\([^)]*\)|\S+/g) ?? [];
}
