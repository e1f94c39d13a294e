import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent } from '../kit/scene/events.ts';
import { thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

test.each([1, 4])(
  'a pool that fails in the midst of a drain of %i lanes does not hold up another pool',
  async (lazyConcurrency) => {
    const scene = await openScene();
    await scene.query('INSERT INTO Thing(Name) VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9)');
    await scene.add(insertThing('first'));
    for (let id = 1; id < 10; id++) await scene.add(lazyEvent([countUp(id)]));
    for (const name of ['a', 'b', 'c'])
      await scene.add(lazyEvent([{ sql: `INSERT INTO Sale(\`Name\`) VALUES ('${name}')`, pool: 'shop' }]));
    let batches = 0;
    const isDown = { status: 'error', kind: 'transient', code: '2013', message: 'down' } as const;
    const wrap = (inner: SqlExecutor): SqlExecutor => ({
      execute: async (request) => {
        const fails = request.pool === 'default' && request.operation === 'batch' && batches++ > 0;
        return fails ? isDown : inner.execute(request);
      },
    });
    await drainScene(scene, { wrap, budgetMs: 2500, lazyConcurrency, batchSize: 1 });
    expect(await scene.shopQuery('SELECT Name FROM Sale')).toHaveLength(3);
    expect(await drainScene(scene)).toMatchObject({ complete: true });
    expect(await thingCounts(scene)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
  },
);

test.each([1, 4])(
  'a pool that hangs with a request in each of %i lanes does not hold up another pool',
  async (lazyConcurrency) => {
    const scene = await openScene();
    for (let id = 1; id < 20; id++) {
      const sql = `UPDATE Sale SET \`Count\`=1 WHERE \`ID\` = ${id}`;
      await scene.add(lazyEvent([{ sql, id, pool: 'shop' }]));
    }
    for (let place = 0; place < 30; place++) await scene.add(insertThing(`thing ${place}`));
    const wrap = (inner: SqlExecutor): SqlExecutor => ({
      execute: async (request) => {
        const hangs = request.pool === 'shop' && request.operation === 'batch';
        if (hangs) await sleep(60_000, undefined, { ref: false });
        return inner.execute(request);
      },
    });
    const summary = await drainScene(scene, { wrap, budgetMs: 4000, lazyConcurrency, batchSize: 5 });
    expect(summary).toMatchObject({ complete: false, channels: { lazy: { entries: 30 } } });
    expect(await thingNames(scene)).toHaveLength(30);
    expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 19 } } });
  },
);
