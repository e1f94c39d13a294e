import { describe, expect, onTestFinished, test } from 'vitest';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { createLogger } from '../../shared/logging.ts';
import { encode } from '../kit/generate/messagepack.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, insertThing, lazyEvent, thingDirty, thingLog } from '../kit/scene/events.ts';
import { dirtyEvents, pendingEntries, thingCounts, thingNames } from '../kit/scene/inspect-scene.ts';
import { GROUP, LAZY, LOCK_KEY, openScene, type Scene } from '../kit/scene/scene.ts';

/** A drain that waits for new entries recovers by itself from an error on one stream, while the others are quiet. */

const LOG = 'orm-log-channel';

describe('a tail drain continues within seconds', () => {
  test('after the connection on which a stream waits was killed', async () => {
    const { scene, tail } = await startTail();
    expect(await killWaiting(scene)).toBeGreaterThan(0);
    await expectDrained(scene, 'after');
    expect(await tail.end()).toMatchObject({ complete: true });
    expect(tail.log()).toMatch(/restarting the stream/);
  });

  test('after the group of a stream was destroyed', async () => {
    const { scene, tail } = await startTail();
    await scene.redis.xgroup('DESTROY', LAZY, GROUP);
    await expectDrained(scene, 'after');
    await tail.end();
    expect(await thingNames(scene)).toEqual(['before', 'after']);
    expect(tail.log()).toMatch(/NOGROUP.*restarting the stream/);
  });

  test('after a stream was deleted', async () => {
    const { scene, tail } = await startTail();
    await scene.redis.del(LAZY);
    await expectDrained(scene, 'after');
    await tail.end();
    expect(await thingNames(scene)).toEqual(['before', 'after']);
  });

  test('after Redis refused writes for a moment', async () => {
    const { scene, tail } = await startTail();
    await addAndRefuseWrites(scene, 'meanwhile');
    await new Promise((resolve) => setTimeout(resolve, 400));
    await scene.redis.config('SET', 'min-replicas-to-write', '0');
    await expectDrained(scene, 'after');
    await tail.end();
    expect(await thingNames(scene)).toEqual(['before', 'meanwhile', 'after']);
    expect(tail.log()).toMatch(/NOREPLICAS.*restarting the stream/);
  });

  test('after its lock was deleted, in a new epoch', async () => {
    const { scene, tail } = await startTail({ lockTtlMs: 1000 });
    await scene.redis.del(LOCK_KEY);
    await expectDrained(scene, 'after');
    expect(await tail.end()).toMatchObject({ complete: true });
    expect(tail.log()).not.toContain('another consumer');
  });
});

test('a refused refresh of the lock is repeated, and the drain keeps its lock', async () => {
  const { scene, tail } = await startTail({ lockTtlMs: 4000 });
  await scene.redis.config('SET', 'min-replicas-to-write', '1');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await scene.redis.config('SET', 'min-replicas-to-write', '0');
  await expectDrained(scene, 'after');
  expect(await tail.end()).toMatchObject({ complete: true });
  expect(tail.log()).toMatch(/lock.*NOREPLICAS|NOREPLICAS.*lock/);
  expect(tail.log()).not.toContain('drain of the pool');
});

test('the other streams are drained while one cannot be read', async () => {
  const { scene, tail } = await startTail();
  await scene.redis.set(LOG, 'no stream');
  await expectDrained(scene, 'one');
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await expectDrained(scene, 'two');
  await scene.redis.del(LOG);
  await scene.redis.xadd(LOG, '*', 's', encode(thingLog(1)));
  await expect.poll(() => scene.query('SELECT * FROM _log_default_Thing'), PATIENT).toHaveLength(1);
  await tail.end();
});

test('a drain that starts while one stream cannot be read drains the others, and that one later', async () => {
  const scene = await openSceneOnOwnRedis();
  await scene.redis.set(LOG, 'no stream');
  const tail = tailOf(scene);
  await expectDrained(scene, 'one');
  await scene.redis.del(LOG);
  await scene.redis.xadd(LOG, '*', 's', encode(thingLog(1)));
  await expect.poll(() => scene.query('SELECT * FROM _log_default_Thing'), PATIENT).toHaveLength(1);
  await tail.end();
});

test('a drain that is not a tail reports the stream that cannot be read, and drains the others', async () => {
  const scene = await openSceneOnOwnRedis();
  await scene.redis.set(LOG, 'no stream');
  await scene.add(insertThing('one'));
  const summary = await drainScene(scene);
  expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
  expect(summary.message).toContain(LOG);
  expect(await thingNames(scene)).toEqual(['one']);
});

test('nothing is executed twice or lost when groups are destroyed during a flood', async () => {
  const { scene, tail } = await startTail();
  await scene.query("INSERT INTO Thing(Name) VALUES ('counted')");
  let added = 0;
  for (let round = 0; round < 10; round++) {
    for (let number = 0; number < 100; number++, added++)
      await scene.add(lazyEvent([{ sql: `INSERT INTO Sale(\`Name\`) VALUES ('${added}')`, pool: 'shop' }]));
    await scene.redis.xgroup('DESTROY', LAZY, GROUP);
  }
  await scene.add(lazyEvent([countUp(2)], { dirty: [thingDirty(2)] }));
  await expect.poll(() => thingCounts(scene), PATIENT).toEqual([0, 1]);
  await expect.poll(() => dirtyEvents(scene.redis, 'thing-changed'), PATIENT).toHaveLength(1);
  await expect.poll(() => pendingEntries(scene), PATIENT).toEqual([]);
  await tail.end();
  const [row] = await scene.shopQuery('SELECT COUNT(*) AS sales, COUNT(DISTINCT Name) AS names FROM Sale');
  expect(row).toEqual({ sales: added, names: added });
});

const PATIENT = { timeout: 20_000, interval: 100 };

interface Tail {
  /** Stops the drain and returns its summary. */
  end(): ReturnType<typeof drainScene>;
  /** What it has logged. */
  log(): string;
}

/** Starts a drain that waits for new entries, and waits until it has drained a first one. */
async function startTail(poller: { lockTtlMs?: number } = {}): Promise<{ scene: Scene; tail: Tail }> {
  const scene = await openSceneOnOwnRedis();
  const tail = tailOf(scene, poller);
  await expectDrained(scene, 'before');
  // All streams wait now, each with a blocking read.
  await expect.poll(() => waitingClients(scene), PATIENT).not.toHaveLength(0);
  return { scene, tail };
}

function tailOf(scene: Scene, poller: { lockTtlMs?: number } = {}): Tail {
  const stop = new AbortController();
  const lines: string[] = [];
  const logger = createLogger({
    level: 'warn',
    destination: { write: (line: string) => lines.push(line) > 0 },
  });
  const { signal } = stop;
  const drain = drainScene(scene, { isTail: true, budgetMs: 120_000, signal, logger, poller });
  onTestFinished(() => stop.abort());
  return {
    end: () => {
      stop.abort();
      return drain;
    },
    log: () => lines.join(''),
  };
}

async function expectDrained(scene: Scene, name: string): Promise<void> {
  await scene.add(insertThing(name));
  await expect.poll(() => thingNames(scene), PATIENT).toContain(name);
}

/** Adds an entry in the moment in which Redis begins to refuse writes. */
async function addAndRefuseWrites({ redis }: Scene, name: string): Promise<void> {
  const add = redis.multi().xadd(LAZY, '*', 's', encode(insertThing(name)));
  await add.config('SET', 'min-replicas-to-write', '1').exec();
}

async function killWaiting(scene: Scene): Promise<number> {
  const ids = await waitingClients(scene);
  for (const id of ids) await scene.redis.client('KILL', 'ID', id);
  return ids.length;
}

/** Clients that are blocked in XREAD. */
async function waitingClients({ redis }: Scene): Promise<string[]> {
  const list = String(await redis.client('LIST'));
  return list
    .split('\n')
    .filter((line) => line.includes('cmd=xread ') && /flags=\w*b/.test(line))
    .map((line) => /id=(\d+)/.exec(line)?.[1] ?? '');
}

async function openSceneOnOwnRedis(): Promise<Scene> {
  const server: RedisServer = await startRedis();
  onTestFinished(() => server.stop());
  const { host, port } = server;
  return openScene({ redis: { host, port, database: 0 }, otherRedis: { host, port, database: 1 } });
}
