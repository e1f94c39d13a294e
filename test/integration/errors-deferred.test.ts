import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, insertThingSql, lazyEvent } from '../kit/scene/events.ts';
import { deadLetters, pendingEntries, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../kit/scene/scene.ts';

/** Errors that do not blame the statement: it stays pending, and only the statements that must follow it wait. */

test('one locked row delays only its own statements, among 3,000 updates of two tables', async () => {
  const scene = await sceneWithTwoTables(1500);
  const other = await lockRows(scene, 'Thing', 'ID = 700');
  const ids = await addUpdatesOfBoth(scene, 1500);
  const again = await scene.add(lazyEvent([countUp(700)]));
  const summary = await drainScene(scene, { budgetMs: 15_000 });
  const locked = ids[2 * 699];
  expect(summary).toMatchObject({ complete: false, reason: 'failed-entries' });
  expect(summary.message).toContain(`entry ${locked}`);
  expect(summary.message).toContain('waits for a lock');
  expect(summary.message).toContain('1205');
  expect(summary.message).not.toContain('reached');
  expect((await pendingEntries(scene)).map(({ id }) => id)).toEqual([locked, again]);
  expect(await counts(scene, 'Thing')).toEqual({ total: 1499, highest: 1 });
  expect(await counts(scene, 'Tag')).toEqual({ total: 1500, highest: 1 });
  await other.query('COMMIT');
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await counts(scene, 'Thing')).toEqual({ total: 1501, highest: 2 });
}, 60_000);

test('several locked rows, the first of the stream among them, delay only their own statements', async () => {
  const scene = await sceneWithTwoTables(300);
  await lockRows(scene, 'Thing', 'ID IN (1, 2, 3, 4, 5, 6)');
  await addUpdatesOfBoth(scene, 300);
  expect(await drainScene(scene, { budgetMs: 25_000 })).toMatchObject({ reason: 'failed-entries' });
  expect(await pendingEntries(scene)).toHaveLength(6);
  expect(await counts(scene, 'Thing')).toEqual({ total: 294, highest: 1 });
  expect(await counts(scene, 'Tag')).toEqual({ total: 300, highest: 1 });
}, 60_000);

test.each([
  ['all rows of it', 'BEGIN; SELECT * FROM Thing FOR UPDATE'],
  ['the table', 'LOCK TABLES Thing WRITE'],
] as const)(
  'a session that locks %s does not delay the statements of another table',
  async (_, lock) => {
    const scene = await sceneWithTwoTables(300);
    const other = await scene.connect();
    await other.query(lock);
    await addUpdatesOfBoth(scene, 300);
    const drain = drainScene(scene, { budgetMs: 25_000 });
    await expect
      .poll(() => counts(scene, 'Tag'), { timeout: 20_000, interval: 200 })
      .toEqual({ total: 300, highest: 1 });
    await other.query('COMMIT; UNLOCK TABLES');
    expect(await drain).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
    expect(await counts(scene, 'Thing')).toEqual({ total: 300, highest: 1 });
  },
  60_000,
);

test('a lock that is released during the drain lets its statement and those behind it run, in order', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('a'),('b')");
  const other = await lockRows(scene, 'Thing', 'ID = 1');
  for (const name of ['first', 'second', 'third'])
    await scene.add(lazyEvent([{ sql: `UPDATE Thing SET \`Name\`='${name}' WHERE \`ID\` = 1`, id: 1 }]));
  await scene.add(lazyEvent([countUp(2)]));
  await scene.add(lazyEvent([{ sql: 'DELETE FROM `Thing` WHERE `ID` IN (2)' }]));
  await scene.add(insertThing('new'));
  const drain = drainScene(scene, { budgetMs: 25_000 });
  await expect.poll(() => thingCounts(scene), { timeout: 20_000 }).toEqual([0, 1]);
  await other.query('COMMIT');
  expect(await drain).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['third', 'new']);
}, 60_000);

test.each([
  [1205, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1205", 'waits for a lock'],
  [1205, "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1205", 'waits for a lock'],
  [1213, "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213", 'usually passes'],
  [1290, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290", 'usually passes'],
  [3, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 3", 'the disk'],
  [3989, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 3989", 'database read-only'],
  [1114, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114", 'table full'],
  [1045, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1045", '1045'],
  [1969, 'SET @slept = SLEEP(9)', 'max_statement_time'],
] as const)(
  'error %i of one statement (%s) neither is its failure nor stops other statements',
  async (code, cause, words) => {
    const scene = await openScene();
    await scene.query("INSERT INTO Thing(Name) VALUES ('fails'),('free'),('other')");
    await scene.query(`CREATE TRIGGER failing BEFORE UPDATE ON Thing FOR EACH ROW
      BEGIN IF OLD.ID = 1 AND @@autocommit = 0 THEN ${cause}; END IF; END`);
    const limited = code === 1969 ? await withParameter(scene, 'max_statement_time=0.3') : scene;
    const bad = await scene.add(lazyEvent([countUp(1)]));
    for (const id of [2, 1, 3]) await scene.add(lazyEvent([countUp(id)]));
    await scene.add(lazyEvent([{ sql: "INSERT INTO Document(`Body`) VALUES ('x')" }]));
    const summary = await drainScene(limited, { budgetMs: 4000 });
    expect(summary).toMatchObject({ complete: false, reason: 'failed-entries' });
    expect(summary.message).toContain(`entry ${bad}`);
    expect(summary.message).toContain(words);
    expect(summary.message).toContain(`error ${code}`);
    expect(await thingCounts(scene)).toEqual([0, 1, 1]);
    expect(await scene.query('SELECT * FROM Document')).toHaveLength(1);
    expect(await pendingEntries(scene)).toHaveLength(2);
    await scene.query('DROP TRIGGER failing');
    expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
    expect(await thingCounts(scene)).toEqual([2, 1, 1]);
  },
  60_000,
);

test('an insert that cannot run now waits with the inserts behind it, and the order of IDs is kept', async () => {
  const scene = await openScene();
  await scene.query(`CREATE TRIGGER failing BEFORE INSERT ON Thing FOR EACH ROW
    BEGIN IF NEW.Name = 'full' THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114; END IF; END`);
  for (const name of ['one', 'two', 'full', 'three', 'four']) await scene.add(insertThing(name));
  expect(await drainScene(scene, { budgetMs: 4000 })).toMatchObject({ reason: 'failed-entries' });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  await scene.query('DROP TRIGGER failing');
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'full', 'three', 'four']);
});

test('a table in memory that is full stops no other table', async () => {
  const scene = await openScene();
  await scene.query('SET max_heap_table_size = 16384');
  await scene.query('CREATE TABLE Small (ID INT PRIMARY KEY, Body CHAR(250)) ENGINE=MEMORY');
  await scene.query('INSERT INTO Small(ID) SELECT seq FROM seq_1_to_10000').catch(() => undefined);
  await scene.query("INSERT INTO Thing(Name) VALUES ('a')");
  for (let id = 20_000; id < 20_005; id++)
    await scene.add(lazyEvent([{ sql: `INSERT INTO Small(\`ID\`) VALUES (${id})` }]));
  await scene.add(lazyEvent([countUp(1)]));
  const summary = await drainScene(scene, { budgetMs: 3000 });
  expect(summary).toMatchObject({ reason: 'failed-entries' });
  expect(summary.message).toContain('finds the table full');
  expect(await thingCounts(scene)).toEqual([1]);
  expect(await deadLetters(scene)).toEqual([]);
});

test('an unknown error is the failure of a statement that failed alone, again and again, while others succeeded', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('fails'),('free')");
  await scene.query(`CREATE TRIGGER failing BEFORE UPDATE ON Thing FOR EACH ROW
    BEGIN IF OLD.ID = 1 THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 4999, MESSAGE_TEXT = 'odd'; END IF; END`);
  const bad = await scene.add(lazyEvent([countUp(1)]));
  for (let count = 0; count < 3; count++) await scene.add(lazyEvent([countUp(2)]));
  expect(await drainScene(scene, { budgetMs: 50_000 })).toMatchObject({ complete: true });
  expect(await deadLetters(scene)).toMatchObject([{ entry: bad, code: '4999' }]);
  expect(await thingCounts(scene)).toEqual([0, 3]);
}, 90_000);

test('a batch that is too large for max_binlog_cache_size is run in smaller ones', async () => {
  const server = await startMariaDb({ flushLogAtCommit: 2, arguments: ['--log-bin', '--binlog-format=ROW'] });
  onTestFinished(() => server.stop());
  const { host, port, user, password } = server;
  const scene = await openScene({ mysql: { host, port, user, password } });
  await scene.query('SET GLOBAL binlog_cache_size = 4096; SET GLOBAL max_binlog_cache_size = 8192');
  const names = Array.from({ length: 60 }, (_, index) => `thing ${index}`);
  const body = `INSERT INTO Document(\`Body\`) VALUES ('${'x'.repeat(1000)}')`;
  for (const name of names) await scene.add(lazyEvent([{ sql: insertThingSql(name) }, { sql: body }]));
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(names);
}, 60_000);

test('a statement on a table without savepoints does not stop its neighbors', async () => {
  const scene = await openScene();
  await scene.query(
    'CREATE TABLE Plain (ID INT AUTO_INCREMENT PRIMARY KEY, Body INT) ENGINE=Aria TRANSACTIONAL=1',
  );
  await scene.add(insertThing('one'));
  await scene.add(lazyEvent([{ sql: 'INSERT INTO Plain(`Body`) SELECT 1' }]));
  await scene.add(lazyEvent([{ sql: 'UPDATE Thing SET SET' }]));
  await scene.add(insertThing('two'));
  expect(await drainScene(scene, { budgetMs: 10_000 })).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await deadLetters(scene)).toMatchObject([{ code: '1064' }]);
});

async function sceneWithTwoTables(rows: number): Promise<Scene> {
  const scene = await openScene();
  await scene.query(
    `CREATE TABLE Tag (ID BIGINT UNSIGNED PRIMARY KEY, Count TINYINT UNSIGNED NOT NULL DEFAULT 0)`,
  );
  await scene.query(`INSERT INTO Tag(ID) SELECT seq FROM seq_1_to_${rows}`);
  await scene.query(`INSERT INTO Thing(ID, Name) SELECT seq, 'x' FROM seq_1_to_${rows}`);
  return scene;
}

/** Adds an update of each row of both tables, alternately, and returns the IDs of the entries. */
function addUpdatesOfBoth(scene: Scene, rows: number): Promise<string[]> {
  const added: Promise<string>[] = [];
  for (let id = 1; id <= rows; id++) {
    added.push(scene.add(lazyEvent([countUp(id)])));
    added.push(
      scene.add(lazyEvent([{ sql: `UPDATE Tag SET \`Count\`=\`Count\`+1 WHERE \`ID\` = ${id}`, id }])),
    );
  }
  return Promise.all(added);
}

async function lockRows(scene: Scene, table: string, condition: string) {
  const other = await scene.connect();
  await other.query(`BEGIN; SELECT * FROM ${table} WHERE ${condition} FOR UPDATE`);
  return other;
}

async function counts({ connect }: Scene, table: string): Promise<unknown> {
  const connection = await connect();
  try {
    const [rows] = await connection.query(
      `SELECT CAST(SUM(Count) AS INT) AS total, MAX(Count) AS highest FROM ${table}`,
    );
    return Array.isArray(rows) ? rows[0] : undefined;
  } finally {
    connection.destroy();
  }
}

async function withParameter(scene: Scene, parameter: string): Promise<Scene> {
  const yaml = scene.registryYaml.replace(/(mysql: \S+app)/, `$1?${parameter}`);
  return { ...scene, registry: parseRegistry(yaml, 'registry.yaml') };
}
