import { expect, test } from 'vitest';
import { Breakpoint } from '../../kit/scene/breakpoint.ts';
import { openExecutor } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThingSql } from '../../kit/scene/events.ts';
import { thingCounts, thingNames } from '../../kit/scene/inspect-scene.ts';
import { Requests } from '../../kit/scene/requests.ts';
import { openScene, type Scene } from '../../kit/scene/scene.ts';

/** A batch is one transaction. These tests send the same batch a second time. */

test('a retry waits for a first attempt that is not committed yet, and returns its result', async () => {
  const scene = await openScene();
  const { requests, breakpoint, slow } = await openWithBreakpoint(scene, 'recorded');
  const first = slow.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await breakpoint.reached;
  const second = requests.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await expect.poll(() => scene.query(WAITING), SLOW_POLLING).toHaveLength(1);
  breakpoint.resume();
  expect(await first).toMatchObject({ status: 'done', outcome: { results: [{ status: 'applied' }] } });
  expect(await second).toEqual(await first);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a retry runs once a first attempt that is not committed yet is rolled back', async () => {
  const scene = await openScene();
  const { requests, breakpoint, slow } = await openWithBreakpoint(scene, 'executed');
  const first = slow.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await breakpoint.reached;
  const second = requests.batch('epoch', 0, [insertThingSql('one', 'unique')]);
  await expect.poll(() => scene.query(WAITING), SLOW_POLLING).toHaveLength(1);
  await killIdleTransaction(scene);
  expect(await second).toMatchObject({ status: 'done', outcome: { results: [{ status: 'applied' }] } });
  breakpoint.resume();
  expect(await first).toMatchObject({ status: 'error', kind: 'transient' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a retry of a committed batch returns the first results, and no duplicate key errors about its own rows', async () => {
  const scene = await openScene();
  const requests = await open(scene);
  const statements = [insertThingSql('one', 'unique'), insertThingSql('two', 'unique')];
  const first = await requests.batch('epoch', 0, statements);
  expect(first).toMatchObject({ outcome: { results: [{ status: 'applied' }, { code: '1062' }] } });
  expect(await requests.batch('epoch', 0, statements)).toEqual(first);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a batch number that comes again with other content is neither executed nor reported as done', async () => {
  const scene = await openScene();
  const requests = await open(scene);
  await requests.batch('epoch', 0, [insertThingSql('one')]);
  const reply = await requests.batch('epoch', 0, [insertThingSql('two')]);
  expect(reply).toMatchObject({ status: 'error', kind: 'configuration' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a deadlock rolls back the whole batch, even if a failed statement of it was being undone', async () => {
  const scene = await openScene();
  const requests = await open(scene);
  await scene.query("INSERT INTO Thing(Name,Code) VALUES ('a','taken'),('b',NULL)");
  const other = await scene.connect();
  await other.query('BEGIN; UPDATE Thing SET Count=10 WHERE ID=2');
  // The server rolls back the transaction that has changed fewer rows.
  await other.query("INSERT INTO Document(Body) SELECT 'x' FROM mysql.help_keyword LIMIT 200");
  const statements = [insertThingSql('c', 'taken'), countUp(1).sql, countUp(2).sql];
  const batch = requests.batch('epoch', 0, statements);
  await expect.poll(() => scene.query(WAITING), SLOW_POLLING).toHaveLength(1);
  await other.query('UPDATE Thing SET Count=20 WHERE ID=1; COMMIT');
  expect(await batch).toMatchObject({ status: 'error', kind: 'transient', code: '1213' });
  expect(await thingCounts(scene)).toEqual([20, 10]);
  expect(await requests.batch('epoch', 0, statements)).toMatchObject({
    outcome: { results: [{ code: '1062' }, { status: 'applied' }, { status: 'applied' }] },
  });
  expect(await thingCounts(scene)).toEqual([21, 11]);
});

test('a connection whose transaction is still open is not reused', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked')");
  const executor = openExecutor(scene, { connectionLimit: 1 });
  const requests = new Requests(executor);
  await requests.peek();
  await requests.open(null, 'epoch');
  const other = await scene.connect();
  await other.query('BEGIN; UPDATE Thing SET Count=10 WHERE ID=1');
  const impatient = new Requests(executor, 400);
  const cut = await impatient.batch('epoch', 0, [insertThingSql('left open'), countUp(1).sql]);
  expect(cut).toMatchObject({ status: 'error', kind: 'transient', code: 'deadline' });
  expect(await requests.batch('epoch', 1, [insertThingSql('next')])).toMatchObject({ status: 'done' });
  await other.query('COMMIT');
  expect(await thingNames(scene)).toEqual(['locked', 'next']);
  expect(await thingCounts(scene)).toEqual([10, 0]);
});

test('a batch that fails halfway leaves nothing on its connection for the next batch', async () => {
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
  const requests = new Requests(executor);
  await requests.peek();
  await requests.open(null, 'epoch');
  expect(await requests.batch('epoch', 0, [insertThingSql('half')])).toMatchObject({ status: 'error' });
  expect(await requests.batch('epoch', 1, [insertThingSql('next')])).toMatchObject({ status: 'done' });
  expect(await thingNames(scene)).toEqual(['locked', 'next']);
});

test('a voided batch number rejects a late attempt, and a committed batch is not voided', async () => {
  const scene = await openScene();
  const requests = await open(scene);
  expect(await requests.void('epoch', 0)).toEqual({ status: 'void' });
  expect(await requests.batch('epoch', 0, [insertThingSql('late')])).toEqual({ status: 'void' });
  const done = await requests.batch('epoch', 1, [insertThingSql('one')]);
  expect(await requests.void('epoch', 1)).toEqual(done);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('voiding a batch number waits for an attempt that is still running', async () => {
  const scene = await openScene();
  const { requests, breakpoint, slow } = await openWithBreakpoint(scene, 'recorded');
  const first = slow.batch('epoch', 0, [insertThingSql('one')]);
  await breakpoint.reached;
  const voiding = requests.void('epoch', 0);
  await expect.poll(() => scene.query(WAITING), SLOW_POLLING).toHaveLength(1);
  breakpoint.resume();
  expect(await voiding).toEqual(await first);
  expect(await thingNames(scene)).toEqual(['one']);
});

const WAITING = `SELECT trx_id FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST
  ON PROCESSLIST.ID = trx_mysql_thread_id WHERE trx_state = 'LOCK WAIT' AND DB = DATABASE()`;

/** The server's list of transactions may lag a little, and frequent queries make it lag more. */
const SLOW_POLLING = { interval: 300, timeout: 4000 };

async function open(scene: Scene): Promise<Requests> {
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'epoch');
  return requests;
}

/** `slow` pauses when its first batch reaches `point`. */
async function openWithBreakpoint(scene: Scene, point: 'executed' | 'recorded') {
  const breakpoint = new Breakpoint();
  const failpoint = (reached: string) => (reached === point ? breakpoint.pause() : undefined);
  return { requests: await open(scene), breakpoint, slow: new Requests(openExecutor(scene, { failpoint })) };
}

/** Kills the connection whose transaction does not wait for a lock. */
async function killIdleTransaction({ query }: Scene): Promise<void> {
  const [row] = await query(`SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX
    JOIN information_schema.PROCESSLIST ON PROCESSLIST.ID = trx_mysql_thread_id
    WHERE trx_state = 'RUNNING' AND DB = DATABASE()`);
  await query(`KILL ${Number(row?.['id'])}`);
}
