import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing } from '../../kit/scene/events.ts';
import { deadLetters, thingNames } from '../../kit/scene/inspect-scene.ts';
import { openScene, type Scene } from '../../kit/scene/scene.ts';

test('a connection to Redis that breaks again and again makes no entry a killer', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  let breaks = 0;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      if (request.operation !== 'peek' || breaks === 10) return inner.execute(request);
      breaks++;
      await breakConnections(scene);
      return inner.execute(request);
    },
  });
  await drainScene(scene, { wrap, budgetMs: 40_000 });
  await drainScene(scene);
  expect(breaks).toBe(10);
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await deadLetters(scene)).toEqual([]);
});

/** Of everybody but the test itself, in this scene's database. */
async function breakConnections({ redis, servers }: Scene): Promise<void> {
  const clients = String(await redis.client('LIST')).split('\n');
  const own = String(await redis.client('ID'));
  for (const client of clients) {
    const id = /\bid=(\d+)/.exec(client)?.[1];
    const isOurs = new RegExp(`\\bdb=${servers.redis.database}\\b`).test(client) && id !== own;
    if (isOurs && id !== undefined) await redis.client('KILL', 'ID', id);
  }
}
