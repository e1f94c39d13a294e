import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { openSearchScene, type SearchScene } from '../kit/search-scene.ts';

const STREAM = 'orm-redis-search-channel';
const LOCK = 'orm-async-consumer_consumer-1';
const PROGRESS = '_orm_force_indexmain.UserEntity';
const ROWS = 7500;
/** The settings define the index completely, so RediSearch is not needed. */
const SEARCH: SearchSettings = {
  indexes: {
    'main.UserEntity': {
      redisPool: 'default',
      table: 'UserEntity',
      prefix: 'users:',
      fields: { FirstName: 'text' },
    },
  },
};

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

/** Opens a scene whose table takes two pages to read. */
async function openScene(): Promise<SearchScene> {
  const scene = await openSearchScene(server, 'beeorm-breaks/search-reindex');
  await scene.mysql.query(`INSERT INTO UserEntity (ID, FirstName) SELECT seq, 'old' FROM seq_1_to_${ROWS}`);
  return scene;
}

async function changeRows(scene: SearchScene): Promise<void> {
  await scene.mysql.query("UPDATE UserEntity SET FirstName = 'new'");
  await scene.redis.xadd(STREAM, '*', 's', encode({ Index: 'main.UserEntity' }));
}

async function namesOf(scene: SearchScene): Promise<(string | null)[]> {
  const ids = Array.from({ length: ROWS }, (_, index) => index + 1);
  return [...new Set(await Promise.all(ids.map((id) => scene.redis.hget(`users:${id}`, 'FirstName'))))];
}

test('a consumer that is paused right after checking its lock does not overwrite the documents of its successor', async () => {
  for (const page of [1, 2]) {
    const scene = await openScene();
    let pages = 0;
    const paused = await scene.drain({
      search: SEARCH,
      wrap: (executor) => ({
        execute: async (request) => {
          const reply = await executor.execute(request);
          if (request.operation !== 'rows' || ++pages !== page) return reply;
          const lock = String(await scene.redis.getdel(LOCK));
          await changeRows(scene);
          expect(await scene.drain({ search: SEARCH })).toMatchObject({ complete: true });
          // As if the paused consumer had checked its lock before the successor took it.
          await scene.redis.set(LOCK, lock, 'EX', 20);
          return reply;
        },
      }),
    });
    expect(paused.channels['search']).toMatchObject({ deadLetters: 0 });
    expect(await namesOf(scene)).toEqual(['new']);
    expect(await scene.redis.exists(PROGRESS)).toBe(0);
  }
});

test('indexing starts at the first row if an earlier entry became a dead letter in the middle of the table', async () => {
  const scene = await openScene();
  await scene.redis.set(`users:${ROWS}`, 'no hash');
  await scene.drain({ search: SEARCH });
  expect(await scene.redis.xlen(`${STREAM}:dead-letters`)).toBe(1);
  expect(await scene.redis.get(PROGRESS)).toBe('5000');
  await scene.redis.del(`users:${ROWS}`);
  await changeRows(scene);
  expect(await scene.drain({ search: SEARCH })).toMatchObject({
    complete: true,
    channels: { search: { documents: ROWS } },
  });
  expect(await namesOf(scene)).toEqual(['new']);
  expect(await scene.redis.keys(`${PROGRESS}*`)).toEqual([]);
});

test('indexing starts at the first row, even if its first run ended before it had any progress of its own', async () => {
  const scene = await openScene();
  await scene.redis.set(`users:${ROWS}`, 'no hash');
  await scene.drain({ search: SEARCH });
  expect(await scene.redis.get(PROGRESS)).toBe('5000');
  await scene.redis.del(`users:${ROWS}`);
  await changeRows(scene);
  const interrupted = new AbortController();
  await scene.drain({
    search: SEARCH,
    signal: interrupted.signal,
    wrap: (executor) => ({
      execute: (request) => {
        if (request.operation !== 'rows') return executor.execute(request);
        interrupted.abort();
        return Promise.reject(new Error('interrupted'));
      },
    }),
  });
  expect(await scene.drain({ search: SEARCH })).toMatchObject({
    complete: true,
    channels: { search: { documents: ROWS } },
  });
  expect(await namesOf(scene)).toEqual(['new']);
});
