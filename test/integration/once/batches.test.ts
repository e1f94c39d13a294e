import { expect, test } from 'vitest';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { openExecutor } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThingSql } from '../../kit/scene/events.ts';
import { thingCounts, thingNames } from '../../kit/scene/inspect-scene.ts';
import { Requests } from '../../kit/scene/requests.ts';
import { openScene, type Scene } from '../../kit/scene/scene.ts';

/** One batch, one transaction: what a second try of it meets. */

test('a retry that meets the first try uncommitted waits for it and returns what it did', async () => {
  const scene = await openScene();
  const { ask, breakpoint, slow } = await openWithBreakpoint(scene, 'recorded');
  const first = slow.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await breakpoint.reached;
  const second = ask.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await expect.poll(() => scene.query(WAITING), PATIENTLY).toHaveLength(1);
  breakpoint.resume();
  expect(await first).toMatchObject({ status: 'done', outcome: { results: [{ status: 'applied' }] } });
  expect(await second).toEqual(await first);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a retry that meets the first try uncommitted runs once that is rolled back', async () => {
  const scene = await openScene();
  const { ask, breakpoint, slow } = await openWithBreakpoint(scene, 'executed');
  const first = slow.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await breakpoint.reached;
  const second = ask.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await expect.poll(() => scene.query(WAITING), PATIENTLY).toHaveLength(1);
  await killIdleTransaction(scene);
  expect(await second).toMatchObject({ status: 'done', outcome: { results: [{ status: 'applied' }] } });
  breakpoint.resume();
  expect(await first).toMatchObject({ status: 'error', kind: 'transient' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('the retry of a committed batch returns its results and does not judge the user by their own unique key', async () => {
  const scene = await openScene();
  const ask = await open(scene);
  const statements = [insertThingSql('one', 'unique'), insertThingSql('two', 'unique')];
  const first = await ask.batch('epoch', 0, statements);
  expect(first).toMatchObject({ outcome: { results: [{ status: 'applied' }, { code: '1062' }] } });
  expect(await ask.batch('epoch', 0, statements)).toEqual(first);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a number that comes again with other content is neither executed nor taken for done', async () => {
  const scene = await openScene();
  const ask = await open(scene);
  await ask.batch('epoch', 0, [insertThingSql('one')]);
  const reply = await ask.batch('epoch', 0, [insertThingSql('two')]);
  expect(reply).toMatchObject({ status: 'error', kind: 'configuration' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a deadlock victim that was being unrolled undoes all of its batch', async () => {
  const scene = await openScene();
  const ask = await open(scene);
  await scene.query("INSERT INTO Thing(Name,Code) VALUES ('a','taken'),('b',NULL)");
  const other = await scene.connect();
  await other.query('BEGIN; UPDATE Thing SET Count=10 WHERE ID=2');
  // The server gives up the transaction that has changed less.
  await other.query("INSERT INTO Document(Body) SELECT 'x' FROM mysql.help_keyword LIMIT 200");
  const statements = [insertThingSql('c', 'taken'), countUp(1).sql, countUp(2).sql];
  const batch = ask.batch('epoch', 0, statements);
  await expect.poll(() => scene.query(WAITING), PATIENTLY).toHaveLength(1);
  await other.query('UPDATE Thing SET Count=20 WHERE ID=1; COMMIT');
  expect(await batch).toMatchObject({ status: 'error', kind: 'transient', code: '1213' });
  expect(await thingCounts(scene)).toEqual([20, 10]);
  expect(await ask.batch('epoch', 0, statements)).toMatchObject({
    outcome: { results: [{ code: '1062' }, { status: 'applied' }, { status: 'applied' }] },
  });
  expect(await thingCounts(scene)).toEqual([21, 11]);
});

test('a connection whose transaction was left open is not used again', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked')");
  const executor = openExecutor(scene, { connectionLimit: 1 });
  const ask = new Requests(executor);
  await ask.peek();
  await ask.open(null, 'epoch');
  const other = await scene.connect();
  await other.query('BEGIN; UPDATE Thing SET Count=10 WHERE ID=1');
  const hurried = new Requests(executor, 400);
  const cut = await hurried.batch('epoch', 0, [insertThingSql('left open'), countUp(1).sql]);
  expect(cut).toMatchObject({ status: 'error', kind: 'transient', code: 'deadline' });
  expect(await ask.batch('epoch', 1, [insertThingSql('next')])).toMatchObject({ status: 'done' });
  await other.query('COMMIT');
  expect(await thingNames(scene)).toEqual(['locked', 'next']);
  expect(await thingCounts(scene)).toEqual([10, 0]);
});

test('a connection on which a batch failed half-way holds nothing of it for the next one', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked')");
  let isFirst = true;
  const executor = openExecutor(scene, {
    connectionLimit: 1,
    failpoint: (point) => {
      if (point !== 'executed' || !isFirst) return;
      isFirst = false;
      throw new Error('the function fails');
    },
  });
  const ask = new Requests(executor);
  await ask.peek();
  await ask.open(null, 'epoch');
  expect(await ask.batch('epoch', 0, [insertThingSql('half')])).toMatchObject({ status: 'error' });
  expect(await ask.batch('epoch', 1, [insertThingSql('next')])).toMatchObject({ status: 'done' });
  expect(await thingNames(scene)).toEqual(['locked', 'next']);
});

test('a voided number bars its late try, and one that has committed is not voided', async () => {
  const scene = await openScene();
  const ask = await open(scene);
  expect(await ask.void('epoch', 0)).toEqual({ status: 'void' });
  expect(await ask.batch('epoch', 0, [insertThingSql('late')])).toEqual({ status: 'void' });
  const done = await ask.batch('epoch', 1, [insertThingSql('one')]);
  expect(await ask.void('epoch', 1)).toEqual(done);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('voiding a number waits for a try of it that is still running', async () => {
  const scene = await openScene();
  const { ask, breakpoint, slow } = await openWithBreakpoint(scene, 'recorded');
  const first = slow.batch('epoch', 0, [insertThingSql('one')]);
  await breakpoint.reached;
  const voiding = ask.void('epoch', 0);
  await expect.poll(() => scene.query(WAITING), PATIENTLY).toHaveLength(1);
  breakpoint.resume();
  expect(await voiding).toEqual(await first);
  expect(await thingNames(scene)).toEqual(['one']);
});

const WAITING = `SELECT trx_id FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST
  ON PROCESSLIST.ID = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND DB = DATABASE()`;

/** The server's own view of its transactions may be a little old, and is the older the more often one asks. */
const PATIENTLY = { interval: 300, timeout: 4000 };

async function open(scene: Scene): Promise<Requests> {
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'epoch');
  return ask;
}

/** `slow` stands still where its first batch comes to `point`. */
async function openWithBreakpoint(scene: Scene, point: 'executed' | 'recorded') {
  const breakpoint = new Breakpoint();
  const failpoint = (reached: string) => (reached === point ? breakpoint.pause() : undefined);
  return { ask: await open(scene), breakpoint, slow: new Requests(openExecutor(scene, { failpoint })) };
}

/** Ends the session of the transaction that waits for nothing. */
async function killIdleTransaction({ query }: Scene): Promise<void> {
  const [row] = await query(`SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX
    JOIN information_schema.PROCESSLIST ON PROCESSLIST.ID = trx_mysql_thread_id
    WHERE trx_state = 'RUNNING' AND DB = DATABASE()`);
  await query(`KILL ${Number(row?.['id'])}`);
}
