import { createConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { startMariaDb } from '../../infra/local/servers/mariadb-server.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, lazyEvent } from '../kit/scene/events.ts';
import { pendingEntries, thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

/** A MySQL pool that is down delays only its own entries. */

test('a tail drain applies the entries of other pools at once while one pool is down, and catches up in order', async () => {
  const server = await startMariaDb({ flushLogAtCommit: 2 });
  onTestFinished(() => server.stop());
  const { host, port, user, password } = server;
  const scene = await openScene({ shopMysql: { host, port, user, password } });
  await server.kill();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const drain = drainScene(scene, { isTail: true, budgetMs: 120_000, signal: stop.signal });
  let maxMs = 0;
  const endsAt = Date.now() + 15_000;
  let count = 0;
  for (; Date.now() < endsAt; count++) {
    const addedAt = Date.now();
    await scene.add(lazyEvent([{ sql: `INSERT INTO Sale(\`Name\`) VALUES ('${count}')`, pool: 'shop' }]));
    await scene.add(insertThing(`${count}`));
    await expect.poll(() => thingNames(scene), { timeout: 20_000, interval: 20 }).toHaveLength(count + 1);
    maxMs = Math.max(maxMs, Date.now() - addedAt);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(maxMs).toBeLessThan(2000);
  await server.restart();
  await expect.poll(() => pendingEntries(scene), { timeout: 20_000, interval: 200 }).toEqual([]);
  stop.abort();
  expect(await drain).toMatchObject({ complete: true });
  const database = `${scene.servers.databasePrefix}shop`;
  const shop = await createConnection({ host, port: server.port, user, password, database });
  onTestFinished(() => shop.destroy());
  const [sales] = await shop.query('SELECT Name FROM Sale ORDER BY ID');
  expect(sales).toEqual(Array.from({ length: count }, (_, index) => ({ Name: `${index}` })));
});

test('a budget that is too short to open a healthy pool is reported as such', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const summary = await drainScene(scene, {
    budgetMs: 300,
    wrap: (inner) => ({
      execute: async (request) => {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, request.deadline - Date.now())));
        return inner.execute(request);
      },
    }),
  });
  expect(summary).toMatchObject({ complete: false, reason: 'budget' });
});
