import { expect, test } from 'vitest';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { pendingEntries, thingNames } from '../../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, openScene, type Scene } from '../../kit/scene/scene.ts';

/** The ledger forgets what can no longer come back, and remembers how far it has forgotten. */

test('rows are marked when their entries are settled, kept for a minute, then forgotten', async () => {
  const scene = await openScene();
  for (let number = 0; number < 20; number++) await scene.add(insertThing(`${number}`));
  await drainScene(scene, { batchSize: 1, lazyConcurrency: 1 });
  expect(await ledger(scene)).toEqual({ rows: 20, settled: 20 });
  await scene.add(insertThing('a'));
  await drainScene(scene);
  expect(await ledger(scene)).toEqual({ rows: 21, settled: 21 });
  await age(scene, '1=1');
  await scene.add(insertThing('b'));
  await drainScene(scene);
  expect(await ledger(scene)).toEqual({ rows: 1, settled: 1 });
});

test('a ledger over many runs holds no more than the last minute', async () => {
  const scene = await openScene();
  for (let run = 0; run < 12; run++) {
    for (let number = 0; number < 5; number++) await scene.add(insertThing(`${run}-${number}`));
    await drainScene(scene, { batchSize: 1, lazyConcurrency: 1 });
    expect((await ledger(scene)).rows).toBeLessThanOrEqual(10);
    await age(scene, '1=1');
  }
});

test('a row whose entry is still pending is kept, however old', async () => {
  const scene = await openScene();
  await scene.redis.set(`${LAZY}:dead-letters`, 'no stream');
  await scene.add({ q: [['default', 'UPDATE Nothing SET a=1 WHERE `ID` = 1', null]], i: [1], o: 'u' });
  await drainScene(scene, { budgetMs: 1500 });
  expect(await pendingEntries(scene)).toHaveLength(1);
  await scene.query(`UPDATE ${scene.ledgerDatabase}.batches SET settled_at = NOW() - INTERVAL 1 DAY`);
  await drainScene(scene, { budgetMs: 1500 });
  await drainScene(scene, { budgetMs: 1500 });
  expect((await ledger(scene)).rows).toBeGreaterThan(0);
  const [row] = await scene.query(`SELECT COUNT(*) AS rows_ FROM ${scene.ledgerDatabase}.batches
    WHERE settled_at IS NULL`);
  expect(Number(row?.['rows_'])).toBeGreaterThan(0);
});

test('voided numbers are forgotten as well', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  let deaths = 0;
  await drainScene(scene, {
    wrap: (inner) => ({
      execute: (request) => {
        const isDeadly = request.operation === 'batch' && deaths++ < 2;
        return isDeadly ? Promise.reject(new Error('died')) : inner.execute(request);
      },
    }),
  });
  expect((await ledger(scene)).rows).toBe(2);
  for (const name of ['two', 'three']) {
    await scene.add(insertThing(name));
    await drainScene(scene);
    await age(scene, '1=1');
  }
  await scene.add(insertThing('four'));
  await drainScene(scene);
  expect(await ledger(scene)).toEqual({ rows: 1, settled: 1 });
});

test('a young row does not keep older ones from being forgotten', async () => {
  const scene = await openScene();
  for (let run = 0; run < 4; run++) {
    await scene.add(insertThing(`${run}`));
    await drainScene(scene);
  }
  // The first of them in the order in which the ledger is read.
  const [first] = await scene.query(
    `SELECT token FROM ${scene.ledgerDatabase}.batches ORDER BY token LIMIT 1`,
  );
  await age(scene, `token <> '${String(first?.['token'])}'`);
  await scene.add(insertThing('last'));
  await drainScene(scene);
  expect((await ledger(scene)).rows).toBe(2);
});

test('a group that was set back within what is remembered has nothing executed twice', async () => {
  const scene = await openScene();
  const forgotten = await forgetOne(scene);
  await scene.redis.xgroup('SETID', LAZY, GROUP, forgotten);
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 2 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

/** Three entries are done; of the first there is no record any more. Its id. */
async function forgetOne(scene: Scene): Promise<string> {
  const id = await scene.add(insertThing('one'));
  await drainScene(scene);
  await age(scene, '1=1');
  for (const name of ['two', 'three']) await scene.add(insertThing(name));
  await drainScene(scene);
  return id;
}

async function age({ query, ledgerDatabase }: Scene, where: string): Promise<void> {
  await query(
    `UPDATE ${ledgerDatabase}.batches SET settled_at = settled_at - INTERVAL 61 SECOND WHERE ${where}`,
  );
}

async function ledger({ query, ledgerDatabase }: Scene): Promise<{ rows: number; settled: number }> {
  const [row] = await query(
    `SELECT COUNT(*) AS rows_, COUNT(settled_at) AS settled FROM ${ledgerDatabase}.batches`,
  );
  return { rows: Number(row?.['rows_']), settled: Number(row?.['settled']) };
}
