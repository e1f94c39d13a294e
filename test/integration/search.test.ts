import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../infra/local/servers/redis-server.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { provideRedisStack, startRedisStack } from '../kit/redis-stack.ts';
import { MANY, openSearchScene, recordedDocuments, recordedLazyInsert } from '../kit/search-scene.ts';

const STREAM = 'orm-redis-search-channel';
const GROUP = 'orm-async-consumer';
const PROGRESS = '_orm_force_indexmain.HSearchMany';

const redisStack = provideRedisStack();

describe.runIf(redisStack !== undefined)('search documents', () => {
  let server: RedisServer;

  beforeAll(async () => {
    if (redisStack !== undefined) server = await startRedisStack(redisStack);
  });
  afterAll(() => server?.stop());

  test('are identical to those of BeeORM for every column type, and searches find them', async () => {
    const scene = await openSearchScene(server);
    const summary = await scene.drain({ search: MANY });
    expect(summary).toMatchObject({
      complete: true,
      channels: { search: { entries: 3, documents: 11 + 2 + 5003, deadLetters: 0, pending: 0 } },
    });
    expect(await scene.documents()).toEqual(recordedDocuments());
    expect(await scene.redis.keys('_orm_force_index*')).toEqual([]);
    const find = (index: string, query: string) => scene.redis.call('FT.SEARCH', index, query, 'NOCONTENT');
    expect(await find('main.HSearch', '@Role:{admin}')).toEqual([1, '41501:1']);
    expect(await find('main.HSearch', '@Name:(year one) @Parent:[1 1]')).toEqual([1, '41501:3']);
    expect(await find('main.HSearchFake', '@FakeDelete:{true}')).toEqual([1, '8cdc1:2']);
    expect(await find('main.HSearchMany', '@N:[7000 7010]')).toEqual([2, 'f7afb:1001', 'f7afb:1002']);
  });

  test('are stored in the namespace of their Redis pool', async () => {
    const scene = await openSearchScene(server, 'search', 'shop');
    await scene.drain({ search: MANY });
    const recorded = Object.entries(recordedDocuments());
    const named = recorded.map(([key, document]) => [`shop:${key}`, document]);
    expect(await scene.documents()).toEqual(Object.fromEntries(named));
  });

  test('are written according to the settings alone if the index does not exist', async () => {
    const scene = await openSearchScene(server);
    await scene.redis.call('FT.DROPINDEX', 'main.HSearchFake');
    await scene.drain({
      search: {
        indexes: {
          ...MANY.indexes,
          'main.HSearchFake': {
            redisPool: 'default',
            mysqlPool: 'default',
            table: 'HSearchFake',
            prefix: 'fakes:',
            fields: { Name: 'text', FakeDelete: 'integer' },
            leaveOutFakeDeleted: true,
          },
        },
      },
    });
    expect(await scene.redis.hgetall('fakes:1')).toEqual({ Name: 'there', FakeDelete: '0' });
    expect(await scene.redis.exists('fakes:2')).toBe(0);
  });

  test('are not written for an unknown index, whose entry is acknowledged with a warning', async () => {
    const scene = await openSearchScene(server, 'beeorm-breaks/search-reindex');
    const summary = await scene.drain();
    expect(summary).toMatchObject({ complete: true, channels: { search: { entries: 1, deadLetters: 0 } } });
    expect(scene.log).toEqual([expect.stringContaining('main.UserEntity')]);
  });

  test('are written for a recorded event once its index is configured', async () => {
    const scene = await openSearchScene(server, 'beeorm-breaks/search-reindex');
    await scene.mysql.query("INSERT INTO UserEntity (ID, FirstName) VALUES (5, 'Ann')");
    const fields = { FirstName: 'text' } as const;
    await scene.drain({
      search: { indexes: { 'main.UserEntity': { redisPool: 'default', fields, table: 'UserEntity' } } },
    });
    expect(Object.values(await scene.documents())).toEqual([{ FirstName: 'Ann' }]);
  });

  test('that cannot be derived turn the entry into a dead letter with the reason, and are written after adding settings and redriving', async () => {
    const scene = await openSearchScene(server);
    expect(await scene.drain()).toMatchObject({ channels: { search: { entries: 3, deadLetters: 1 } } });
    const [deadLetter] = await scene.redis.xrange(`${STREAM}:dead-letters`, '-', '+');
    expect(deadLetter?.[1]).toContain('underivable-index');
    expect(deadLetter?.[1].join(' ')).toContain("there is no table 'HSearchMany' in MySQL pool 'default'");
    expect(await scene.redrive()).toEqual({ redriven: 1 });
    await scene.drain({ search: MANY });
    expect(await scene.documents()).toEqual(recordedDocuments());
  });

  test('are continued by the next drain if a drain is stopped', async () => {
    const scene = await openSearchScene(server);
    await scene.redis.del(STREAM);
    await scene.redis.xadd(STREAM, '*', 's', encode({ Index: 'main.HSearchMany' }));
    const stop = new AbortController();
    const first = await scene.drain({
      search: MANY,
      signal: stop.signal,
      poller: {
        failpoint: async (point) => {
          if (point === 'indexed' && (await scene.redis.exists(PROGRESS)) === 1) stop.abort();
        },
      },
    });
    expect(first).toMatchObject({ complete: false, channels: { search: { pending: 1 } } });
    expect(await scene.redis.get(PROGRESS)).toBe('5000');
    expect(await scene.redis.ttl(PROGRESS)).toBeGreaterThan(86_000);
    await scene.redis.del('f7afb:1');
    expect(await scene.drain({ search: MANY })).toMatchObject({
      complete: true,
      channels: { search: { entries: 1, documents: 3 } },
    });
    // No document of the first page was written again.
    expect(await scene.redis.exists('f7afb:1', 'f7afb:5003', PROGRESS)).toBe(1);
  });

  test("are continued where BeeORM's consumer was killed", async () => {
    const scene = await openSearchScene(server);
    await scene.redis.xgroup('CREATE', STREAM, GROUP, '0');
    await scene.redis.xreadgroup('GROUP', GROUP, 'consumer-1', 'STREAMS', STREAM, '>');
    await scene.redis.set(PROGRESS, '5000', 'EX', 86_400);
    expect(await scene.drain({ search: MANY })).toMatchObject({
      complete: true,
      channels: { search: { entries: 3, documents: 11 + 2 + 3 } },
    });
  });

  test('are written even if MySQL does not respond for a while', async () => {
    const scene = await openSearchScene(server);
    let failures = 0;
    const summary = await scene.drain({
      search: MANY,
      wrap: (executor) => ({
        execute: (request) => {
          if (request.operation === 'rows' && failures++ < 3) throw new Error('the function timed out');
          return executor.execute(request);
        },
      }),
    });
    expect(summary).toMatchObject({ complete: true, channels: { search: { entries: 3, deadLetters: 0 } } });
    expect(await scene.documents()).toEqual(recordedDocuments());
  });

  test('of a table that the account is not allowed to read stay pending, and do not block other indexes', async () => {
    const scene = await openSearchScene(server);
    const refused = { status: 'error', kind: 'configuration', code: '1142', message: 'denied' } as const;
    const summary = await scene.drain({
      search: MANY,
      wrap: (executor) => ({
        execute: async (request) => {
          const isRefused = request.operation === 'rows' && request.table === 'search_many';
          return isRefused ? refused : executor.execute(request);
        },
      }),
    });
    expect(summary).toMatchObject({ complete: false, channels: { search: { entries: 2, pending: 1 } } });
    expect(scene.log.join()).toContain('1142');
    expect(await scene.drain({ search: MANY })).toMatchObject({ complete: true });
    expect(await scene.documents()).toEqual(recordedDocuments());
  });

  test('cannot be written for an entry that is not an event, which becomes a dead letter', async () => {
    const scene = await openSearchScene(server);
    await scene.redis.del(STREAM);
    await scene.redis.xadd(STREAM, '*', 's', 'no MessagePack');
    expect(await scene.drain()).toMatchObject({ channels: { search: { entries: 1, deadLetters: 1 } } });
    const [deadLetter] = await scene.redis.xrange(`${STREAM}:dead-letters`, '-', '+');
    expect(deadLetter?.[1]).toEqual(expect.arrayContaining(['code', 'undecodable', 'original.s']));
  });

  test('are not affected by a lazy insert of a cached entity, for which the consumer only deletes a cache key', async () => {
    const scene = await openSearchScene(server);
    const { id, body } = recordedLazyInsert();
    await scene.redis.xadd('orm-lazy-channel', id, 's', body);
    await scene.redis.set('aeecc:13', 'cached');
    expect(await scene.drain({ search: MANY })).toMatchObject({
      complete: true,
      channels: { lazy: { entries: 1, statements: 0, cacheKeys: 1, deadLetters: 0 } },
    });
    expect(await scene.redis.exists('aeecc:13')).toBe(0);
  });

  test('whose key holds another type turn the entry into a dead letter with the key', async () => {
    const scene = await openSearchScene(server);
    await scene.redis.set('8cdc1:1', 'mine');
    await scene.drain({ search: MANY });
    const [deadLetter] = await scene.redis.xrange(`${STREAM}:dead-letters`, '-', '+');
    expect(deadLetter?.[1].join(' ')).toContain('unwritable-document');
    expect(deadLetter?.[1].join(' ')).toContain('8cdc1:1');
    expect(await scene.redis.get('8cdc1:1')).toBe('mine');
  });
});
