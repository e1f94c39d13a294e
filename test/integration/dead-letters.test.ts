import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encode } from '../kit/generate/messagepack.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import {
  countUp,
  insertThing,
  insertThingSql,
  lazyEvent,
  thingDirty,
  thingLog,
} from '../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { GROUP, LAZY, openScene, type Scene } from '../kit/scene/scene.ts';

/** What a dead letter contains, and how it is redriven. */

test('a dead letter contains the documented fields, and the original fields byte for byte', async () => {
  const scene = await openScene();
  const body = encode(lazyEvent([{ sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 1', id: 1 }]));
  const tag = Buffer.from([0xff, 0x00, 0x80]);
  const id = await scene.redis.xadd(LAZY, '*', 's', body, 'tag', tag);
  await drainScene(scene);
  const [[, flat] = ['', []]] = await scene.redis.xrangeBuffer(`${LAZY}:dead-letters`, '-', '+');
  const names = flat.filter((_, index) => index % 2 === 0).map(String);
  expect(names.toSorted()).toEqual(
    [
      'attempts',
      'code',
      'entry',
      'failed_at',
      'group',
      'message',
      'original.s',
      'original.tag',
      'unapplied',
    ].toSorted(),
  );
  const value = (name: string) => flat[2 * names.indexOf(name) + 1];
  expect(String(value('entry'))).toBe(id);
  expect(String(value('group'))).toBe('orm-async-consumer');
  expect(String(value('attempts'))).toBe('1');
  expect(String(value('failed_at'))).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(value('original.s')).toEqual(body);
  expect(value('original.tag')).toEqual(tag);
});

test('the command lists, shows, filters and discards dead letters', async () => {
  const scene = await openScene();
  await scene.add(lazyEvent([{ sql: 'UPDATE Nothing SET `a`=1 WHERE `ID` = 1', id: 1 }]));
  await scene.add(lazyEvent([{ sql: 'DROP TABLE Thing' }]));
  await drainScene(scene);
  const list = await runConsumer(scene, 'dead-letters', 'list', '--json');
  const listed: { id: string; code: string }[] = JSON.parse(list.stdout).deadLetters;
  expect(listed.map(({ code }) => code).toSorted()).toEqual(['1146', 'refused-statement']);
  const id = listed.find(({ code }) => code === '1146')?.id ?? '';
  const show = await runConsumer(scene, 'dead-letters', 'show', '--id', id, '--json');
  expect(JSON.parse(show.stdout)).toMatchObject({ code: '1146', stream: LAZY, attempts: 1 });
  const discard = await runConsumer(
    scene,
    'dead-letters',
    'discard',
    '--code',
    'refused-statement',
    '--json',
  );
  expect(JSON.parse(discard.stdout)).toEqual({ discarded: 1 });
  expect(await deadLetters(scene)).toMatchObject([{ code: '1146' }]);
  expect((await runConsumer(scene, 'dead-letters', 'discard')).exitCode).toBe(1);
});

test('a redrive applies only the remaining statements and effects of an entry, once, after the cause is fixed', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  const insert = { sql: "INSERT INTO Missing(`Name`) VALUES ('late')" };
  await scene.redis.set('kept', 'stale');
  await scene.add(
    lazyEvent([countUp(1), insert], {
      dirty: [thingDirty(1)],
      logs: [thingLog(1)],
      cacheKeys: { default: ['missing:0'] },
    }),
  );
  await drainScene(scene);
  expect(await deadLetters(scene)).toMatchObject([{ code: '1146' }]);
  await scene.query('CREATE TABLE Missing (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(20))');
  await scene.redis.set('missing:1', 'stale');
  const redrive = await runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json');
  expect(JSON.parse(redrive.stdout)).toEqual({ redriven: 1 });
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.query('SELECT Name FROM Missing')).toEqual([{ Name: 'late' }]);
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  expect(await scene.query('SELECT entity_id FROM _log_default_Thing')).toEqual([{ entity_id: 1 }]);
  expect(await scene.redis.exists('missing:1')).toBe(0);
});

test('a redrive writes a log row that was out of range once its column is wide enough', async () => {
  const scene = await openScene();
  await scene.add(
    lazyEvent([{ sql: "INSERT INTO Thing(`ID`,`Name`) VALUES (5000000000,'big')" }], { logs: [thingLog(0)] }),
  );
  await drainScene(scene);
  expect(await deadLetters(scene)).toMatchObject([{ code: '1264' }]);
  await scene.query('ALTER TABLE _log_default_Thing MODIFY entity_id BIGINT UNSIGNED NOT NULL');
  await runConsumer(scene, 'dead-letters', 'redrive', '--code', '1264');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await scene.query('SELECT entity_id FROM _log_default_Thing')).toEqual([
    { entity_id: 5_000_000_000 },
  ]);
  expect(await thingNames(scene)).toEqual(['big']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a redrive publishes a dirty event that its stream could not take, with the id of the inserted row', async () => {
  const scene = await openScene();
  await scene.redis.set('thing-changed', 'no stream');
  await scene.add(
    insertThing('one', { dirty: [thingDirty(0, ['thing-changed', 'thing-changed-elsewhere'])] }),
  );
  await drainScene(scene);
  await scene.redis.del('thing-changed');
  await runConsumer(scene, 'dead-letters', 'redrive', '--all');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  expect(await dirtyEvents(scene.otherRedis, 'thing-changed-elsewhere')).toEqual(['main.Thing i 1']);
});

test('a redriven entry that fails again keeps its original id and its attempt count', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name,Code) VALUES ('old','taken')");
  const id = await scene.add(lazyEvent([{ sql: insertThingSql('new', 'taken') }]));
  await drainScene(scene);
  for (const attempts of ['2', '3']) {
    await runConsumer(scene, 'dead-letters', 'redrive', '--all');
    await drainScene(scene);
    expect(await deadLetters(scene)).toMatchObject([{ entry: id, code: '1062', attempts }]);
  }
  await scene.query("UPDATE Thing SET Code='free' WHERE ID=1");
  await runConsumer(scene, 'dead-letters', 'redrive', '--all');
  await drainScene(scene);
  expect(await thingNames(scene)).toEqual(['old', 'new']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('two processes that redrive the same dead letters at once redrive each of them once', async () => {
  const scene = await openScene();
  for (let number = 0; number < 40; number++)
    await scene.add(lazyEvent([{ sql: `INSERT INTO Missing(\`Number\`) VALUES (${number})` }]));
  await drainScene(scene);
  await scene.query('CREATE TABLE Missing (ID INT AUTO_INCREMENT PRIMARY KEY, Number INT)');
  const runs = await Promise.all(
    [0, 1].map(() => runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json')),
  );
  const redriven = runs.map(({ stdout }) => Number(JSON.parse(stdout).redriven));
  expect(redriven.reduce((sum, count) => sum + count, 0)).toBe(40);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  const rows = await scene.query('SELECT Number FROM Missing ORDER BY Number');
  expect(rows.map(({ Number: number }) => number)).toEqual(Array.from({ length: 40 }, (_, number) => number));
});

test('an entry that is redriven while a drain runs is applied once, by this drain or the next one', async () => {
  const scene = await openScene();
  await scene.add(lazyEvent([{ sql: "INSERT INTO Missing(`Name`) VALUES ('late')" }]));
  await drainScene(scene);
  await scene.query('CREATE TABLE Missing (ID INT AUTO_INCREMENT PRIMARY KEY, Name VARCHAR(20))');
  for (let number = 0; number < 300; number++) await scene.add(insertThing(`${number}`));
  const drain = drainScene(scene, { batchSize: 5 });
  await sleep(20);
  await runConsumer(scene, 'dead-letters', 'redrive', '--all');
  await drain;
  await drainScene(scene);
  expect(await scene.query('SELECT Name FROM Missing')).toEqual([{ Name: 'late' }]);
  expect(await thingNames(scene)).toHaveLength(300);
});

test('a redrive returns an undecodable entry to its stream unchanged', async () => {
  const scene = await openScene();
  await addGarbage(scene);
  await drainScene(scene);
  await runConsumer(scene, 'dead-letters', 'redrive', '--all');
  await drainScene(scene);
  const [deadLetter = {}] = await deadLetters(scene);
  expect(deadLetter).toMatchObject({
    code: 'undecodable',
    attempts: '2',
    'original.s': 'garbage',
    'original.tag': 'x',
  });
});

async function addGarbage({ redis }: Scene): Promise<void> {
  await redis.xadd(LAZY, '*', 's', 'garbage', 'tag', 'x');
}

test('the dead letter of a deleted entry cannot be redriven, and does not stop the redrive of others', async () => {
  const scene = await openScene();
  const id = await scene.add(insertThing('deleted'));
  await scene.redis.xgroup('CREATE', LAZY, GROUP, '0');
  await scene.redis.xreadgroup('GROUP', GROUP, 'consumer-1', 'STREAMS', LAZY, '>');
  await scene.redis.xdel(LAZY, id);
  await scene.add(lazyEvent([{ sql: 'DROP TABLE Thing' }]));
  await drainScene(scene);
  expect((await deadLetters(scene)).map(({ code }) => code)).toEqual(['deleted-entry', 'refused-statement']);
  const all = await runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json');
  expect(JSON.parse(all.stdout)).toEqual({ redriven: 1, refused: 1 });
  expect(await deadLetters(scene)).toMatchObject([{ code: 'deleted-entry', entry: id }]);
  const one = await runConsumer(scene, 'dead-letters', 'redrive', '--code', 'deleted-entry');
  expect(one.exitCode).toBe(1);
  expect(one.stderr).toMatch(/nothing to redrive.*discard/);
  await drainScene(scene);
  expect((await deadLetters(scene)).map(({ code }) => code)).toEqual(['deleted-entry', 'refused-statement']);
});

test('an entry with more fields than fit on the call stack is redriven', async () => {
  const scene = await openScene();
  const fields = Array.from({ length: 100_000 }, (_, index) => [`tag ${index}`, 'x']).flat();
  await scene.redis.call('XADD', [LAZY, '*', 's', 'not an event', ...fields]);
  await drainScene(scene);
  expect(await deadLetters(scene)).toMatchObject([{ code: 'undecodable' }]);
  const redrive = await runConsumer(scene, 'dead-letters', 'redrive', '--all', '--json');
  expect(JSON.parse(redrive.stdout)).toEqual({ redriven: 1 });
  await drainScene(scene);
  expect(await deadLetters(scene)).toMatchObject([{ code: 'undecodable', attempts: '2' }]);
});
