import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import type { ServerProgram } from '../../infra/local/servers/server-program.ts';
import { GARBAGE, GARBAGE_KEY, GROUP, ORDERS, openGarbageScene } from '../kit/garbage-scene.ts';
import { provideRedis6 } from '../kit/redis-stack.ts';

const redis6 = provideRedis6();
const versions: { name: string; program: ServerProgram | undefined }[] = [
  { name: 'Redis 7', program: undefined },
  ...(redis6 === undefined ? [] : [{ name: 'Redis 6.2', program: redis6 }]),
];

describe.each(versions)('on $name the garbage collector', ({ program }) => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis(program === undefined ? {} : { program });
  });
  afterAll(() => server?.stop());

  test('deletes what every group has read and acknowledged, and no more', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(10);
    await scene.read('readers', 8, ['6-0']);
    await scene.read('writers', 7);
    await scene.requestCollection('readers');
    expect(await scene.drain()).toMatchObject({
      complete: true,
      channels: { garbage: { entries: 1, trimmed: 5, pending: 0 } },
    });
    expect(await scene.remainingIds()).toEqual(['6-0', '7-0', '8-0', '9-0', '10-0']);
  });

  test('deletes all of a stream that every group is done with', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(250);
    await scene.read('readers', 250);
    await scene.read('writers', 250);
    await scene.requestCollection('writers');
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { trimmed: 250 } } });
    expect(await scene.remainingIds()).toEqual([]);
    // The groups stand where they stood.
    await scene.redis.xadd(ORDERS, '251-0', 's', 'order');
    const [[, entries] = []] = await readNew(scene.redis, 'readers');
    expect(entries).toHaveLength(1);
  });

  test("trims the streams of BeeORM's own group, its own events too", async () => {
    const scene = await openGarbageScene(server);
    await scene.requestCollection(GROUP);
    await scene.drain();
    await scene.redis.del(GARBAGE_KEY);
    await scene.requestCollection(GROUP);
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { entries: 1, trimmed: 1 } } });
    expect(await scene.remainingIds(GARBAGE)).toHaveLength(1);
  });

  test("is asked by the drain itself for the group's own streams, where the drain is told so", async () => {
    const scene = await openGarbageScene(server);
    await scene.requestCollection('nobody');
    await scene.drain();
    expect(await scene.drain({ collectsGarbage: true })).toMatchObject({
      complete: true,
      channels: { garbage: { entries: 1, trimmed: 1, pending: 0 } },
    });
    expect(await scene.remainingIds(GARBAGE)).toHaveLength(1);
  });

  test('is asked no more when the drain has ended, in a process that lives on', async () => {
    const scene = await openGarbageScene(server);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    expect(await scene.drain({ collectsGarbage: true })).toMatchObject({ complete: true });
    expect(vi.getTimerCount()).toBe(0);
    expect(scene.log).toEqual([]);
  });

  test('keeps what a group has still to read that nobody has registered', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(5);
    await scene.read('readers', 5);
    await scene.read('writers', 5);
    await scene.read('a-stranger', 2);
    await scene.requestCollection('readers');
    await scene.drain();
    expect(await scene.remainingIds()).toEqual(['3-0', '4-0', '5-0']);
  });

  test('keeps all of a stream that no group exists on, whatever the rule for absent groups', async () => {
    for (const absentGroups of ['hold', 'ignore'] as const) {
      const scene = await openGarbageScene(server);
      await scene.addOrders(5);
      await scene.requestCollection('readers');
      await scene.drain({ absentGroups });
      expect(await scene.remainingIds()).toHaveLength(5);
    }
  });

  test('holds a stream back for a registered group that does not exist on it, with a warning that names it', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(5);
    await scene.read('readers', 5);
    await scene.requestCollection('readers');
    await scene.drain();
    expect(await scene.remainingIds()).toHaveLength(5);
    expect(scene.log).toEqual([expect.stringContaining('"stream":"orders","group":"writers"')]);
  });

  test('does not wait for such a group where it is told so, and warns all the same', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(5);
    await scene.read('readers', 4);
    await scene.requestCollection('readers');
    await scene.drain({ absentGroups: 'ignore' });
    expect(await scene.remainingIds()).toEqual(['5-0']);
    expect(scene.log).toEqual([expect.stringContaining('"stream":"orders","group":"writers"')]);
  });

  test('never trims dead letters, also where the registry gives their stream a group', async () => {
    const scene = await openGarbageScene(server);
    const letters = `${ORDERS}:dead-letters`;
    await scene.redis.xadd(letters, '1-0', 'code', '1062');
    await scene.redis.xgroup('CREATE', letters, 'readers', '$');
    await scene.requestCollection('readers');
    await scene.drain();
    expect(await scene.remainingIds(letters)).toEqual(['1-0']);
  });

  test('leaves what another collection began less than half a minute ago, and its own key for the next one', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(5);
    await scene.read('readers', 5);
    await scene.read('writers', 5);
    await scene.redis.set('readers_gc', '1', 'EX', 30);
    await scene.requestCollection('readers');
    expect(await scene.drain()).toMatchObject({
      channels: { garbage: { entries: 1, trimmed: 0, pending: 0 } },
    });
    expect(await scene.remainingIds()).toHaveLength(5);
    await scene.redis.del('readers_gc');
    await scene.requestCollection('readers');
    await scene.requestCollection('readers');
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { entries: 2, trimmed: 5 } } });
    expect(await scene.redis.get('readers_gc')).toBe('1');
    expect(await scene.redis.ttl('readers_gc')).toBeGreaterThan(20);
  });

  test('goes on in the next run where the drain was told to stop', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(5000);
    await scene.read('readers', 5000);
    await scene.read('writers', 5000);
    await scene.requestCollection('readers');
    const stop = new AbortController();
    const failpoint = (point: string) => {
      if (point === 'trimmed') stop.abort();
    };
    expect(await scene.drain({ signal: stop.signal, poller: { failpoint } })).toMatchObject({
      complete: false,
      channels: { garbage: { entries: 0, trimmed: 1000, pending: 1 } },
    });
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { entries: 1, trimmed: 4000 } } });
  });

  test('collects in another Redis pool, and under a namespace', async () => {
    const scene = await openGarbageScene(server, 'shop');
    const other = new Redis({ host: server.host, port: server.port, db: 1 });
    await other.xadd('elsewhere', '1-0', 's', 'x');
    await other.xgroup('CREATE', 'elsewhere', 'readers', '$');
    await scene.addOrders(3);
    await scene.read('readers', 3);
    await scene.read('writers', 2);
    await scene.requestCollection('readers');
    await scene.requestCollection('readers', 'other');
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { entries: 2, trimmed: 3 } } });
    expect(await scene.remainingIds()).toEqual(['3-0']);
    expect(await other.xlen('elsewhere')).toBe(0);
    other.disconnect();
  });

  test('makes a dead letter of what is no event, and of a pool that the registry does not have', async () => {
    const scene = await openGarbageScene(server);
    await scene.redis.xadd(GARBAGE, '*', 's', 'no MessagePack');
    await scene.requestCollection('readers', 'nowhere');
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { entries: 2, deadLetters: 2 } } });
    const letters = await scene.redis.xrange(`${GARBAGE}:dead-letters`, '-', '+');
    expect(letters.map(([, fields]) => fields[fields.indexOf('code') + 1])).toEqual([
      'undecodable',
      'unknown-pool',
    ]);
  });

  test('deletes the garbage of a million entries in steps that let others through', async () => {
    const scene = await openGarbageScene(server);
    await scene.addOrders(1_000_000);
    for (const group of ['readers', 'writers']) {
      await scene.redis.xgroup('CREATE', ORDERS, group, '0');
      await scene.redis.xgroup('SETID', ORDERS, group, '999950-0');
    }
    await scene.redis
      .config('SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '100000')
      .catch(async () => {
        await scene.redis.config('SET', 'slowlog-log-slower-than', '0');
        await scene.redis.config('SET', 'slowlog-max-len', '100000');
      });
    await scene.redis.slowlog('RESET');
    await scene.requestCollection('readers');
    expect(await scene.drain()).toMatchObject({ channels: { garbage: { trimmed: 999_950 } } });
    expect(await scene.redis.xlen(ORDERS)).toBe(50);
    const microseconds = await scriptTimes(scene.redis);
    expect(microseconds.length).toBeGreaterThan(900);
    const sorted = microseconds.toSorted((left, right) => left - right);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    console.log(
      `${sorted.length} steps: half within ${at(0.5)} µs, 99 % within ${at(0.99)} µs, all within ${at(1)} µs`,
    );
    expect(at(0.99)).toBeLessThan(5000);
  });
});

/** How long each call of a script took that had a stream's name among its arguments. */
async function scriptTimes(redis: Redis): Promise<number[]> {
  const log = await redis.slowlog('GET', 100_000);
  return (Array.isArray(log) ? log : []).flatMap(([, , microseconds, words]) =>
    Array.isArray(words) && String(words[0]).startsWith('EVAL') && words.includes(ORDERS)
      ? [Number(microseconds)]
      : [],
  );
}

async function readNew(redis: Redis, group: string): Promise<[string, unknown[]][]> {
  const reply = await redis.xreadgroup('GROUP', group, 'c', 'STREAMS', ORDERS, '>');
  return Array.isArray(reply)
    ? reply.map(([name, entries]) => [String(name), Array.isArray(entries) ? entries : []])
    : [];
}
