import { expect, test } from 'vitest';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent } from '../../kit/scene/events.ts';
import { pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { ageRows, pruneFirst } from '../../kit/scene/prune-ledger.ts';
import { GROUP, LAZY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** The ledger deletes rows that no redelivery can need, and records how far it has pruned. */

test('rows are marked when their entries are settled, kept for a minute, then pruned', async () => {
  const scene = await openScene();
  for (let number = 0; number < 20; number++) await scene.add(insertThing(`${number}`));
  await drainScene(scene, { batchSize: 1, lazyConcurrency: 1 });
  expect(await countRows(scene)).toEqual({ rows: 20, settled: 20 });
  await scene.add(insertThing('a'));
  await drainScene(scene);
  expect(await countRows(scene)).toEqual({ rows: 21, settled: 21 });
  await ageRows(scene, '1=1');
  await scene.add(insertThing('b'));
  await drainScene(scene);
  expect(await countRows(scene)).toEqual({ rows: 1, settled: 1 });
});

test('after many drains the ledger contains only rows of the last minute', async () => {
  const scene = await openScene();
  for (let run = 0; run < 12; run++) {
    for (let number = 0; number < 5; number++) await scene.add(insertThing(`${run}-${number}`));
    await drainScene(scene, { batchSize: 1, lazyConcurrency: 1 });
    expect((await countRows(scene)).rows).toBeLessThanOrEqual(10);
    await ageRows(scene, '1=1');
  }
});

test('a row whose entry is still pending is kept, regardless of its age', async () => {
  const scene = await openScene();
  await scene.redis.set(`${LAZY}:dead-letters`, 'no stream');
  await scene.add({ q: [['default', 'UPDATE Nothing SET a=1 WHERE `ID` = 1', null]], i: [1], o: 'u' });
  await drainScene(scene, { budgetMs: 1500 });
  expect(await pendingEntries(scene)).toHaveLength(1);
  await scene.query(`UPDATE ${scene.ledgerDatabase}.batches SET settled_at = NOW() - INTERVAL 1 DAY`);
  await drainScene(scene, { budgetMs: 1500 });
  await drainScene(scene, { budgetMs: 1500 });
  expect((await countRows(scene)).rows).toBeGreaterThan(0);
  const [row] = await scene.query(`SELECT COUNT(*) AS rows_ FROM ${scene.ledgerDatabase}.batches
    WHERE settled_at IS NULL`);
  expect(Number(row?.['rows_'])).toBeGreaterThan(0);
});

test('the rows of voided batch numbers are pruned too', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  let failures = 0;
  await drainScene(scene, {
    wrap: (inner) => ({
      execute: (request) => {
        const isFailing = request.operation === 'batch' && failures++ < 2;
        return isFailing ? Promise.reject(new Error('died')) : inner.execute(request);
      },
    }),
  });
  expect((await countRows(scene)).rows).toBe(2);
  for (const name of ['two', 'three']) {
    await scene.add(insertThing(name));
    await drainScene(scene);
    await ageRows(scene, '1=1');
  }
  await scene.add(insertThing('four'));
  await drainScene(scene);
  expect(await countRows(scene)).toEqual({ rows: 1, settled: 1 });
});

test('a recent row does not prevent older rows from being pruned', async () => {
  const scene = await openScene();
  for (let run = 0; run < 4; run++) {
    await scene.add(insertThing(`${run}`));
    await drainScene(scene);
  }
  // The first row in the order in which the ledger is read.
  const [first] = await scene.query(
    `SELECT token FROM ${scene.ledgerDatabase}.batches ORDER BY token LIMIT 1`,
  );
  await ageRows(scene, `token <> '${String(first?.['token'])}'`);
  await scene.add(insertThing('last'));
  await drainScene(scene);
  expect((await countRows(scene)).rows).toBe(2);
});

test('nothing is executed twice if a group is rewound to entries whose rows the ledger still has', async () => {
  const scene = await openScene();
  const prunedId = await pruneFirst(scene);
  await scene.redis.xgroup('SETID', LAZY, GROUP, prunedId);
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 2 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

async function countRows({ query, ledgerDatabase }: Scene): Promise<{ rows: number; settled: number }> {
  const [row] = await query(
    `SELECT COUNT(*) AS rows_, COUNT(settled_at) AS settled FROM ${ledgerDatabase}.batches`,
  );
  return { rows: Number(row?.['rows_']), settled: Number(row?.['settled']) };
}

test('entries are applied while rows are pruned and a batch waits for a row that an application has locked', async () => {
  const scene = await openScene();
  await scene.query("INSERT INTO Thing(Name) VALUES ('locked')");
  for (let number = 0; number < 20; number++) await scene.add(insertThing(`early ${number}`));
  await drainScene(scene, { batchSize: 1, lazyConcurrency: 1 });
  await ageRows(scene, '1=1');
  const application = await scene.connect();
  await application.query('BEGIN; SELECT * FROM Thing WHERE ID=1 FOR UPDATE');
  await scene.add(lazyEvent([countUp(1)]));
  const stop = new AbortController();
  const drain = drainScene(scene, { isTail: true, budgetMs: 60_000, signal: stop.signal });
  await expect.poll(() => pendingEntries(scene), { timeout: 10_000 }).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const gapsMs: number[] = [];
  // The rows are pruned after two seconds, while the update waits for up to five.
  for (let number = 0; number < 20; number++) {
    const addedAt = Date.now();
    await scene.add(lazyEvent([{ sql: `INSERT INTO Document(\`Body\`) VALUES ('${number}')` }]));
    const count = () => scene.query('SELECT ID FROM Document');
    await expect.poll(count, { timeout: 10_000, interval: 20 }).toHaveLength(number + 1);
    gapsMs.push(Date.now() - addedAt);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await application.query('COMMIT');
  stop.abort();
  await drain;
  expect(Math.max(...gapsMs)).toBeLessThan(1500);
  const [row] = await scene.query(`SELECT COUNT(*) AS rows_ FROM ${scene.ledgerDatabase}.pruned`);
  expect(row).toEqual({ rows_: 1 });
});

test('a ledger of an older version keeps what it has recorded about pruned rows', async () => {
  const scene = await openScene();
  const id = await scene.add(insertThing('one'));
  await drainScene(scene);
  await scene.query(`DROP TABLE ${scene.ledgerDatabase}.pruned`);
  const pruned = JSON.stringify({ [`default/${LAZY}`]: id });
  await scene.query(`UPDATE ${scene.ledgerDatabase}.fence SET pruned_ids = ?`, [pruned]);
  await scene.redis.xgroup('SETID', LAZY, GROUP, '0');
  expect((await drainScene(scene)).message).toContain(`entries up to ${id} were applied`);
  expect(await thingNames(scene)).toEqual(['one']);
});
