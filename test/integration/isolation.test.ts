import { expect, test } from 'vitest';
import { drainScene } from '../kit/scene/drain-scene.ts';
import {
  countUp,
  insertThing,
  insertThingSql,
  lazyEvent,
  thingDirty,
  thingLog,
} from '../kit/scene/events.ts';
import {
  deadLetters,
  dirtyEvents,
  pendingEntries,
  thingCounts,
  thingNames,
} from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** The unit is the statement: what fails takes its own effects with it, and nothing else. */

test('of an event with a failed statement its neighbours are done, and its own effects are withheld and named', async () => {
  const scene = await openThings();
  await scene.redis.mset('thing:1', 'stale', 'thing:2', 'stale', 'thing:3', 'stale');
  const id = await scene.add(
    lazyEvent([countUp(1), outOfRange(2), countUp(3)], {
      cacheKeys: { default: ['thing:1', 'thing:2', 'thing:3'] },
      logs: [thingLog(1), thingLog(2), thingLog(3)],
      dirty: [thingDirty(1), thingDirty(2), thingDirty(3)],
    }),
  );
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1, 0, 1]);
  expect(await loggedIds(scene)).toEqual([1, 3]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1', 'main.Thing i 3']);
  expect(await scene.redis.keys('thing:*')).toEqual(['thing:2']);
  const [letter = {}] = await deadLetters(scene);
  expect(letter).toMatchObject({ entry: id, code: '1264' });
  expect(unappliedOf(letter)).toMatchObject({ statements: [1], logs: [1], dirty: [1], cacheKeys: [1] });
});

test('of two inserts of an event the one that fails takes the effects of its own row, by their order', async () => {
  const scene = await openThings();
  await scene.redis.mset('thing:0', 'x', 'thing:4', 'stale', 'thing:5', 'stale', 'thing:6', 'stale');
  const inserts = [{ sql: insertThingSql('new', 'taken') }, { sql: insertThingSql('new', 'free') }];
  await scene.add(
    lazyEvent(inserts, {
      cacheKeys: { default: ['thing:0', 'thing:0'] },
      logs: [thingLog(0, { Code: 'taken' }), thingLog(0, { Code: 'free' })],
      dirty: [thingDirty(0), thingDirty(0)],
    }),
  );
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  const [row] = await scene.query("SELECT ID FROM Thing WHERE Code = 'free'");
  const id = Number(row?.['ID']);
  expect(await scene.query('SELECT entity_id, changes FROM _log_default_Thing')).toEqual([
    { entity_id: id, changes: '{"Code":"free"}' },
  ]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual([`main.Thing i ${id}`]);
  expect(await scene.redis.exists(`thing:${id}`)).toBe(0);
  const [letter = {}] = await deadLetters(scene);
  expect(unappliedOf(letter)).toMatchObject({ statements: [0], logs: [0], dirty: [0] });
});

test('a log row that MySQL refuses is a dead letter by itself, and names the id that its row has got', async () => {
  const scene = await openThings();
  await scene.add(
    lazyEvent([{ sql: 'INSERT INTO Thing(`ID`,`Name`) VALUES (5000000000,"big")' }], {
      logs: [thingLog(0)],
      dirty: [thingDirty(0)],
    }),
  );
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['a', 'b', 'c', 'big']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 5000000000']);
  const [letter = {}] = await deadLetters(scene);
  expect(letter['code']).toBe('1264');
  expect(unappliedOf(letter)).toEqual({
    ...NOTHING_LEFT,
    logs: [0],
    logIds: { 0: '5000000000' },
  });
});

test('a failed statement in one pool leaves the statements of the event in another alone', async () => {
  const scene = await openThings();
  await scene.add(
    lazyEvent([outOfRange(1), { sql: "INSERT INTO Sale(`Name`) VALUES ('sold')", pool: 'shop' }]),
  );
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.shopQuery('SELECT Name FROM Sale')).toEqual([{ Name: 'sold' }]);
  expect(unappliedOf((await deadLetters(scene))[0] ?? {})).toEqual({ ...NOTHING_LEFT, statements: [0] });
});

test.each([
  ['undecodable', { q: 'no list' }],
  ['unknown-pool', lazyEvent([countUp(1), { sql: 'DELETE FROM `T` WHERE `ID` IN (1)', pool: 'nowhere' }])],
  ['unknown-pool', lazyEvent([countUp(1)], { cacheKeys: { nowhere: ['key'] } })],
  ['refused-statement', lazyEvent([countUp(1), { sql: 'DROP TABLE Thing' }])],
  ['refused-statement', lazyEvent([countUp(1), { sql: 'DELETE FROM Thing; DELETE FROM Part' }])],
  ['refused-statement', lazyEvent([countUp(1), { sql: 'DELETE FROM Thing -- all' }])],
] as const)('an entry that is judged %s before has no effect at all (%#)', async (code, event) => {
  const scene = await openThings();
  await scene.add(insertThing('before'));
  const id = await scene.add(event);
  await scene.add(insertThing('after'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await deadLetters(scene)).toMatchObject([{ entry: id, code }]);
  expect(unappliedOf((await deadLetters(scene))[0] ?? {})).toMatchObject({ all: true });
  expect(await thingNames(scene)).toEqual(['a', 'b', 'c', 'before', 'after']);
  expect(await thingCounts(scene)).toEqual([0, 0, 0, 0, 0]);
});

test('of a page of entries each second of which fails the others are done, in order', async () => {
  const scene = await openThings();
  for (let number = 0; number < 60; number++)
    await scene.add(number % 2 === 0 ? insertThing(`${number}`) : lazyEvent([outOfRange(1)]));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 30 } } });
  const expected = Array.from({ length: 30 }, (_, number) => `${2 * number}`);
  expect(await thingNames(scene)).toEqual(['a', 'b', 'c', ...expected]);
  expect(await pendingEntries(scene)).toEqual([]);
});

test('an entry that was deleted from the stream while it was pending is a dead letter that says so', async () => {
  const scene = await openThings();
  const id = await scene.add(insertThing('deleted'));
  await scene.redis.xgroup('CREATE', 'orm-lazy-channel', 'orm-async-consumer', '0');
  await scene.redis.xreadgroup(
    'GROUP',
    'orm-async-consumer',
    'consumer-1',
    'STREAMS',
    'orm-lazy-channel',
    '>',
  );
  await scene.redis.xdel('orm-lazy-channel', id);
  await scene.add(insertThing('next'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await deadLetters(scene)).toMatchObject([{ entry: id, code: 'deleted-entry' }]);
  expect(await thingNames(scene)).toEqual(['a', 'b', 'c', 'next']);
});

const NOTHING_LEFT = {
  all: false,
  statements: [],
  logs: [],
  dirty: [],
  cacheKeys: [],
  logIds: {},
  dirtyIds: {},
  dirtyStreams: {},
};

async function openThings(): Promise<Scene> {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name,Code) VALUES ('a','taken'),('b',NULL),('c',NULL)");
  return scene;
}

function outOfRange(id: number) {
  return { sql: `UPDATE Thing SET \`Count\`=999 WHERE \`ID\` = ${id}`, id };
}

function unappliedOf(letter: Record<string, string>): unknown {
  return JSON.parse(letter['unapplied'] ?? 'null');
}

async function loggedIds({ query }: Scene): Promise<number[]> {
  const rows = await query('SELECT entity_id FROM _log_default_Thing ORDER BY entity_id');
  return rows.map(({ entity_id }) => Number(entity_id));
}

test('a statement that deletes the records of the ledger is a dead letter, and its neighbours are done', async () => {
  const scene = await openScene();
  await scene.add(insertThing('before'));
  await scene.add(
    lazyEvent([{ sql: `DELETE FROM \`${scene.ledgerDatabase}\`.batches WHERE number >= 0`, id: 1 }]),
  );
  await scene.add(insertThing('after'));
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['before', 'after']);
  expect(await deadLetters(scene)).toMatchObject([{ code: 'touches-ledger' }]);
});
