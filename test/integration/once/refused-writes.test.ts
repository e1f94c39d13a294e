import { describe, expect, test } from 'vitest';
import { GARBAGE_STREAM, lockKey } from '../../../shared/registry/beeorm-names.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { encodeGarbageEvent } from '../../../shared/wire/garbage-event.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingDirty } from '../../kit/scene/events.ts';
import {
  deadLetters,
  dirtyEvents,
  pendingEntries,
  thingCounts,
  thingNames,
} from '../../kit/scene/inspect-scene.ts';
import { EVERYTHING, openRestrictedScene, type RestrictedScene } from '../../kit/scene/restricted-scene.ts';
import { runConsumer } from '../../kit/scene/run-consumer.ts';
import { GROUP, LAZY } from '../../kit/scene/scene.ts';

/** Redis refuses a command of a settlement. The entry must then stay pending, without a part of its effects. */

const BUDGET_MS = 6000;

/** Returns messages and fields of the warnings that a drain logs. */
function recordWarnings() {
  const warnings: Record<string, unknown>[] = [];
  const record = (message: string, fields: object = {}) => void warnings.push({ message, ...fields });
  const ignore = () => undefined;
  return { warnings, logger: { debug: ignore, info: ignore, warn: record, error: record } };
}

async function addCountedEvent({ redis, query, add }: RestrictedScene): Promise<void> {
  await query("INSERT INTO Thing (Name) VALUES ('one')");
  await redis.set('key', 'stale');
  await add(lazyEvent([countUp(1)], { cacheKeys: { default: ['key'] }, dirty: [thingDirty(1)] }));
}

test('an entry stays pending without effects if the user cannot delete its cache key, and is settled once that is allowed', async () => {
  const scene = await openRestrictedScene(['~orm-*', '~thing-changed*', '+@all']);
  await addCountedEvent(scene);
  const { warnings, logger } = recordWarnings();
  const summary = await drainScene(scene, { logger });
  expect(summary).toMatchObject({ complete: false, reason: 'failed-entries' });
  expect(summary.message).toContain("UNLINK on 'key'");
  expect(summary.message).toContain('docs/deploy.md');
  expect(summary.channels['lazy']).toMatchObject({ entries: 0, dirtyEvents: 0, cacheKeys: 0, pending: 1 });
  expect(warnings.filter(({ command }) => command === 'UNLINK')).toMatchObject([
    { key: 'key', code: 'NOPERM' },
  ]);
  expect(await pendingEntries(scene)).toHaveLength(1);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual([]);
  expect(await scene.redis.exists('key')).toBe(1);
  await scene.allow(EVERYTHING);
  expect(await drainScene(scene)).toMatchObject({
    complete: true,
    channels: { lazy: { dirtyEvents: 1, cacheKeys: 1 } },
  });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await scene.redis.exists('key')).toBe(0);
  expect(await thingCounts(scene)).toEqual([1]);
});

describe('an entry stays pending without effects, and others are settled, if the user lacks', () => {
  test.each<[string, string[], string]>([
    [
      'XADD on the first of two dirty streams',
      ['(~* +@all -xadd)', '(~orm-* ~thing-changed-too +xadd)'],
      "XADD on 'thing-changed'",
    ],
    [
      'XADD on the dead-letter stream',
      ['(~* +@all -xadd)', '(~thing-changed* +xadd)'],
      `XADD on '${LAZY}:dead-letters'`,
    ],
    [
      'XDEL and XADD on the second of two dirty streams',
      ['(~* +@all -xadd -xdel)', '(~orm-* ~thing-changed +xadd)'],
      "XADD on 'thing-changed-too'",
    ],
  ])('%s', async (_, rules, refused) => {
    const scene = await openRestrictedScene(rules);
    const yaml = scene.registryYaml.replace(
      '    thing-changed: [readers]\n',
      '    thing-changed: [readers]\n    thing-changed-too: [readers]\n',
    );
    const registry = parseRegistry(yaml, 'registry.yaml');
    await scene.query("INSERT INTO Thing (Name) VALUES ('one')");
    const failing = { sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 9', id: 9 };
    const dirty = [thingDirty(1, ['thing-changed', 'thing-changed-too'])];
    const bad = await scene.add(lazyEvent([countUp(1), failing], { dirty, cacheKeys: { default: ['key'] } }));
    await scene.add(insertThing('two'));
    const summary = await drainScene({ ...scene, registry }, { budgetMs: BUDGET_MS });
    expect(summary).toMatchObject({ complete: false, reason: 'failed-entries' });
    expect(summary.message).toContain(refused);
    if (!refused.includes('XACK')) expect((await pendingEntries(scene)).map(({ id }) => id)).toEqual([bad]);
    for (const stream of ['thing-changed', 'thing-changed-too'])
      expect(await scene.redis.exists(stream)).toBe(0);
    expect(await deadLetters(scene)).toEqual([]);
    await scene.allow(EVERYTHING);
    expect(await drainScene({ ...scene, registry })).toMatchObject({ complete: true });
    for (const stream of ['thing-changed', 'thing-changed-too'])
      expect(await dirtyEvents(scene.redis, stream)).toHaveLength(1);
    expect(await deadLetters(scene)).toHaveLength(1);
    expect(await thingCounts(scene)).toEqual([1, 0]);
  });
});

test('an acknowledgement that Redis refuses is reported, and does not count', async () => {
  const scene = await openRestrictedScene();
  await scene.add(insertThing('one'));
  await scene.add(insertThing('two', { dirty: [thingDirty(0)] }));
  const failpoint = (point: string) => (point === 'read' ? scene.allow(['~*', '+@all', '-xack']) : undefined);
  const summary = await drainScene(scene, { poller: { failpoint } });
  expect(summary).toMatchObject({
    complete: false,
    channels: { lazy: { entries: 0, dirtyEvents: 0, pending: 2 } },
  });
  expect(summary.message).toContain(`XACK on '${LAZY}'`);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual([]);
  await expect(drainScene(scene, { budgetMs: BUDGET_MS })).resolves.toMatchObject({ complete: false });
  await scene.allow(EVERYTHING);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await thingNames(scene)).toEqual(['one', 'two']);
});

test('an effect in another pool is neither marked nor counted if its stream refuses it', async () => {
  const scene = await openRestrictedScene(['(~* +@all -xadd)', '(~orm-* +xadd)']);
  await scene.add(insertThing('one', { dirty: [thingDirty(0, ['thing-changed-elsewhere'])] }));
  const summary = await drainScene(scene, { budgetMs: BUDGET_MS });
  expect(summary.message).toContain("XADD on 'thing-changed-elsewhere'");
  expect(summary).toMatchObject({ complete: false, channels: { lazy: { dirtyEvents: 0 } } });
  await scene.allow(EVERYTHING);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await dirtyEvents(scene.otherRedis, 'thing-changed-elsewhere')).toHaveLength(1);
});

describe('a dead letter is kept if Redis refuses to redrive it, and redriven once when that is allowed:', () => {
  test.each<[string, string[], string, number]>([
    ['XADD on the stream', ['(~* +@all -xadd)', '(~other* +xadd)'], `XADD on '${LAZY}'`, 0],
    ['XDEL on the dead letters', ['(~* +@all -xdel)'], `XDEL on '${LAZY}:dead-letters'`, 0],
    ['XADD of an entry with many fields', ['(~* +@all -xadd)'], `XADD on '${LAZY}'`, 4500],
    ['XDEL of an entry with many fields', ['(~* +@all -xdel)'], `XDEL on '${LAZY}:dead-letters'`, 4500],
  ])('%s', async (_, rules, refused, tags) => {
    const scene = await openRestrictedScene();
    const fields = Array.from({ length: tags }, (__, index) => [`tag-${index}`, `${index}`]);
    await scene.redis.xadd(LAZY, '*', 's', 'garbage', ...fields.flat());
    await drainScene(scene);
    expect(await deadLetters(scene)).toHaveLength(1);
    await scene.allow(rules);
    const redrive = () => runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json');
    const run = await redrive();
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain(refused);
    expect(await deadLetters(scene)).toHaveLength(1);
    expect(await scene.redis.xlen(LAZY)).toBe(1);
    await scene.allow(EVERYTHING);
    expect(JSON.parse((await redrive()).stdout)).toEqual({ redriven: 1 });
    expect(await deadLetters(scene)).toEqual([]);
    expect(await scene.redis.xlen(LAZY)).toBe(2);
  });
});

test('a garbage collection that Redis refuses is reported at once, and its entry stays pending', async () => {
  const scene = await openRestrictedScene(['~*', '+@all', '-xtrim']);
  const body = encodeGarbageEvent({ group: GROUP, pool: 'default' });
  await scene.redis.xadd(GARBAGE_STREAM, '*', 's', body);
  await scene.add(insertThing('one'));
  const summary = await drainScene(scene, { collectsGarbage: false });
  expect(summary).toMatchObject({ reason: 'failed-entries', channels: { garbage: { pending: 1 } } });
  expect(summary.message).toContain("XTRIM on 'orm-");
  await scene.allow(EVERYTHING);
  await scene.redis.del(`${GROUP}_gc`);
  expect(await drainScene(scene, { collectsGarbage: false })).toMatchObject({ complete: true });
});

test('a Redis that is full is drained, pending entries first', async () => {
  const scene = await openRestrictedScene();
  await addCountedEvent(scene);
  await scene.redis.xgroup('CREATE', LAZY, GROUP, '0');
  await scene.redis.xreadgroup('GROUP', GROUP, 'consumer-1', 'STREAMS', LAZY, '>');
  await scene.add(insertThing('two', { dirty: [thingDirty(0, ['thing-changed-elsewhere'])] }));
  await scene.add(lazyEvent([{ sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 9', id: 9 }]));
  await scene.configure('maxmemory', '1');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
  expect(await dirtyEvents(scene.otherRedis, 'thing-changed-elsewhere')).toHaveLength(1);
  expect(await deadLetters(scene)).toHaveLength(1);
  expect(await scene.redis.exists('key')).toBe(0);
});

test('entries are settled once Redis has enough replicas again', async () => {
  const scene = await openRestrictedScene();
  await addCountedEvent(scene);
  let isFirst = true;
  const failpoint = async (point: string) => {
    if (point !== 'logged' || !isFirst) return;
    isFirst = false;
    await scene.configure('min-replicas-to-write', '1');
    setTimeout(() => void scene.configure('min-replicas-to-write', '0'), 500);
  };
  expect(await drainScene(scene, { poller: { failpoint } })).toMatchObject({
    complete: true,
    channels: { lazy: { entries: 1, dirtyEvents: 1, cacheKeys: 1 } },
  });
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toHaveLength(1);
});

describe('a drain names the reason and the next step if Redis refuses every write:', () => {
  test.each<[string, string[][], string]>([
    ['NOREPLICAS', [['config', 'set', 'min-replicas-to-write', '1']], 'min-replicas-to-write'],
    ['READONLY', [['replicaof', '127.0.0.1', '9']], 'primary'],
  ])('%s', async (_, commands, text) => {
    const scene = await openRestrictedScene();
    await scene.add(insertThing('one'));
    for (const [name = '', ...args] of commands) await scene.redis.call(name, ...args);
    const failure = drainScene(scene, { budgetMs: BUDGET_MS });
    await expect(failure).rejects.toMatchObject({ nextStep: expect.stringContaining(text) });
    expect(await scene.redis.exists(lockKey(GROUP))).toBe(0);
    expect(await thingNames(scene)).toEqual([]);
  });
});
