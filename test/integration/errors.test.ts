import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, insertThingSql, lazyEvent } from '../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** Errors that a real server returns, and what happens to the statement that caused each. */

test.each([
  [1048, 'NULL for a column that is NOT NULL', 'INSERT INTO Thing(`Name`) VALUES (NULL)'],
  [1054, 'an unknown column', 'UPDATE Thing SET `Nothing`=1 WHERE `ID` = 1'],
  [1062, 'a duplicate key', insertThingSql('x', 'taken')],
  [1064, 'a syntax error', 'UPDATE Thing SET SET WHERE `ID` = 1'],
  [1136, 'a wrong number of values', "INSERT INTO Thing(`Name`,`Code`) VALUES ('x')"],
  [1146, 'a table that does not exist', 'UPDATE Nothing SET `a`=1 WHERE `ID` = 1'],
  [1146, 'a database that does not exist', 'UPDATE nowhere.Thing SET `Count`=1 WHERE `ID` = 1'],
  [1264, 'a value out of range', 'UPDATE Thing SET `Count`=256 WHERE `ID` = 1'],
  [1292, 'a malformed number', "UPDATE Thing SET `Count`='1x' + 1 WHERE `ID` = 1"],
  [1364, 'no value for a column without a default', "INSERT INTO Thing(`Code`) VALUES ('x')"],
  [1366, 'bytes that are not valid text', "INSERT INTO Thing(`Name`) VALUES (x'C328')"],
  [1406, 'a value that is too long', `INSERT INTO Thing(\`Name\`) VALUES ('${'x'.repeat(21)}')`],
  [1451, 'a parent that has children', 'DELETE FROM `Thing` WHERE `ID` IN (1)'],
  [1452, 'a child without a parent', 'INSERT INTO Part(`Thing`) VALUES (99)'],
  [1690, 'arithmetic out of range', 'UPDATE Thing SET `Count`=`Count`-9 WHERE `ID` = 1'],
] as const)(
  'error %i (%s) turns the entry into a dead letter at once, and its neighbors are applied',
  async (code, _, sql) => {
    const scene = await openScene();
    await scene.query("INSERT INTO Thing(Name,Code) VALUES ('parent','taken')");
    await scene.query('INSERT INTO Part(Thing) VALUES (1)');
    await scene.add(insertThing('before'));
    const bad = await scene.add(lazyEvent([{ sql }]));
    await scene.add(insertThing('after'));
    expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 1 } } });
    expect(await deadLetters(scene)).toMatchObject([{ entry: bad, code: String(code), attempts: '1' }]);
    expect(await thingNames(scene)).toEqual(['parent', 'before', 'after']);
  },
);

test('a lock wait timeout (1205) causes no dead letter, and the entry is applied once the lock is released', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked'),('free')");
  const other = await scene.connect();
  await other.query('BEGIN; SELECT * FROM Thing WHERE ID=1 FOR UPDATE');
  await scene.add(lazyEvent([countUp(1)]));
  await scene.add(lazyEvent([countUp(2)]));
  const codes: string[] = [];
  const drain = drainScene(scene, { wrap: (inner) => recordErrorCodes(inner, codes), batchSize: 1 });
  await expect.poll(() => codes, { timeout: 15_000 }).toContain('1205');
  expect(await thingCounts(scene)).toEqual([0, 1]);
  await other.query('COMMIT');
  expect(await drain).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1, 1]);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a deadlock victim (1213) does not become a dead letter, and is applied once', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('a'),('b')");
  const other = await scene.connect();
  await other.query('BEGIN; UPDATE Thing SET Count=10 WHERE ID=2');
  // The server rolls back the transaction that has changed fewer rows.
  await other.query("INSERT INTO Document(Body) SELECT 'x' FROM mysql.help_keyword LIMIT 200");
  await scene.add(lazyEvent([countUp(1), countUp(2)]));
  const codes: string[] = [];
  const drain = drainScene(scene, { wrap: (inner) => recordErrorCodes(inner, codes), lazyConcurrency: 1 });
  await expect.poll(() => scene.query(WAITING), { interval: 300, timeout: 4000 }).toHaveLength(1);
  await other.query('UPDATE Thing SET Count=20 WHERE ID=1; COMMIT');
  expect(await drain).toMatchObject({ complete: true });
  expect(codes).toEqual(['1213']);
  expect(await thingCounts(scene)).toEqual([21, 11]);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a connection that is killed in the middle of a batch causes no dead letter, and the batch is applied once', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two']) await scene.add(insertThing(name));
  let kills = 0;
  const executorFailpoint = async (point: string) => {
    if (point !== 'executed' || kills === 2) return;
    kills++;
    await killConnections(scene);
  };
  expect(await drainScene(scene, { executorFailpoint })).toMatchObject({ complete: true });
  expect(kills).toBe(2);
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a unique value that an earlier statement of the pool frees can be reused without an error', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name,Code) VALUES ('old','one'),('other','two')");
  await scene.add(lazyEvent([{ sql: "UPDATE Thing SET `Code`='free' WHERE `ID` = 1", id: 1 }]));
  await scene.add(lazyEvent([{ sql: "UPDATE Thing SET `Code`='one' WHERE `ID` = 2", id: 2 }]));
  expect(await drainScene(scene, { batchSize: 1 })).toMatchObject({ complete: true });
  expect(await scene.query('SELECT Code FROM Thing ORDER BY ID')).toEqual([
    { Code: 'free' },
    { Code: 'one' },
  ]);
  expect(await deadLetters(scene)).toEqual([]);
});

test('an entry that waits for a lock blocks neither entries of other rows nor entries of other pools', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked'),('free')");
  const other = await scene.connect();
  await other.query('BEGIN; SELECT * FROM Thing WHERE ID=1 FOR UPDATE');
  await scene.add(lazyEvent([countUp(1)]));
  await scene.add(lazyEvent([{ sql: "INSERT INTO Sale(`Name`) VALUES ('sold')", pool: 'shop' }]));
  await scene.add(lazyEvent([countUp(2)]));
  const summary = await drainScene(scene, { budgetMs: 2500, batchSize: 1 });
  expect(summary).toMatchObject({ complete: false, channels: { lazy: { entries: 2, deadLetters: 0 } } });
  expect(await thingCounts(scene)).toEqual([0, 1]);
  expect(await pendingEntries(scene)).toHaveLength(1);
  await other.query('COMMIT');
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingCounts(scene)).toEqual([1, 1]);
});

const WAITING = `SELECT trx_id FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST
  ON PROCESSLIST.ID = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND DB = DATABASE()`;

/** Records the code of each error. */
function recordErrorCodes(inner: SqlExecutor, codes: string[]): SqlExecutor {
  return {
    execute: async (request) => {
      const reply = await inner.execute(request);
      if (reply.status === 'error') codes.push(reply.code);
      if (reply.status === 'done' && reply.deferred !== undefined) codes.push(reply.deferred.code);
      return reply;
    },
  };
}

/** Kills all connections to the database of this scene, except the test's own. */
async function killConnections({ query }: Scene): Promise<void> {
  const sessions = await query(
    'SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()',
  );
  for (const { ID } of sessions) await query(`KILL ${Number(ID)}`);
}
