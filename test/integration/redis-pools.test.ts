import { Redis } from 'ioredis';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { encode, type WireValue } from '../kit/generate/messagepack.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, thingDirty, thingLog } from '../kit/scene/events.ts';
import { dirtyEvents, thingNames } from '../kit/scene/inspect-scene.ts';
import { runConsumer } from '../kit/scene/run-consumer.ts';
import { GROUP, LOCK_KEY, type Scene } from '../kit/scene/scene.ts';
import { openSceneInRedis } from '../kit/scene/scene-in-redis.ts';

/** Channels that live in Redis pools of their own, each on a server that may be down. */

const LOG = 'orm-log-channel';
const GARBAGE = 'orm-stream-garbage-collector';

let lazyServer: RedisServer;
let logServer: RedisServer;

beforeEach(async () => {
  [lazyServer, logServer] = await Promise.all([startRedis(), startRedis()]);
  return async () => {
    await Promise.all([lazyServer.stop(), logServer.stop()]);
  };
});

test('each channel drains from its own Redis pool, under a lock there, in one drain', async () => {
  const { scene, logs } = await openPools();
  await addWork(scene, logs);
  await add(logs, 'tidy', GARBAGE, { Group: GROUP, Pool: 'journal' });
  expect(await drainScene(scene)).toMatchObject({
    complete: true,
    channels: {
      lazy: { entries: 20, pending: 0, backlog: 0 },
      log: { entries: 20, logRows: 20, pending: 0, backlog: 0 },
      garbage: { entries: 1, pending: 0, backlog: 0 },
    },
  });
  expect(await thingNames(scene)).toHaveLength(20);
  expect(await logs.exists(`journal:${LOCK_KEY}:ledger`, `tidy:${LOCK_KEY}:ledger`)).toBe(2);
  expect(await scene.redis.exists(`${LOCK_KEY}:ledger`)).toBe(1);
});

test('a lock that another consumer holds in one Redis pool leaves the others working', async () => {
  const { scene, logs } = await openPools();
  await addWork(scene, logs);
  await logs.set(`journal:${LOCK_KEY}`, 'of BeeORM', 'EX', 90);
  expect(await drainScene(scene)).toMatchObject({
    complete: false,
    reason: 'locked',
    channels: { lazy: { entries: 20, pending: 0, backlog: 0 }, log: { entries: 0 } },
  });
  expect(await thingNames(scene)).toHaveLength(20);
});

test('a Redis pool that is down leaves the others working, and is told by its name', async () => {
  const { scene, logs } = await openPools();
  await addWork(scene, logs);
  await logServer.kill();
  const run = await runConsumer(scene, 'drain', '--json', '--budget', '8s');
  expect(run.exitCode).toBe(1);
  const summary: unknown = JSON.parse(run.stdout);
  expect(summary).toMatchObject({
    complete: false,
    reason: 'pool-down',
    message: expect.stringContaining("Redis pool '"),
    channels: {
      lazy: { entries: 20, pending: 0, backlog: 0 },
      log: {
        entries: 0,
        error: { code: 'redis-unreachable', message: expect.stringContaining("'journal'") },
      },
      garbage: { error: { code: 'redis-unreachable', message: expect.stringContaining("'tidy'") } },
    },
  });
  expect(await thingNames(scene)).toHaveLength(20);
});

test('a garbage collection that waits for a Redis pool that is down holds up none in the others', async () => {
  const { port } = lazyServer;
  const journal = `
journal:
  redis: 127.0.0.1:${logServer.port}:0
  streams: { ${LOG}: [${GROUP}] }
`;
  const scene = await openSceneInRedis(`redis: 127.0.0.1:${port}:0`, { port }, journal);
  await scene.add(insertThing('one'));
  await drainScene(scene);
  await logServer.kill();
  for (const Pool of ['journal', 'default'])
    await scene.redis.xadd(GARBAGE, '*', 's', encode({ Group: GROUP, Pool }));
  expect(await drainScene(scene, { budgetMs: 3000 })).toMatchObject({
    channels: { garbage: { entries: 1, trimmed: 1, pending: 1 } },
  });
});

test('a Redis pool that goes down in the midst of a drain is drained on once it is back, the others meanwhile', async () => {
  const { scene, logs } = await openPools('--appendonly', 'yes', '--appendfsync', 'always');
  const stop = new AbortController();
  const drain = drainScene(scene, { isTail: true, budgetMs: 60_000, signal: stop.signal });
  await addWork(scene, logs);
  await expect.poll(() => logRows(scene), { timeout: 10_000 }).toBe(20);
  await logServer.kill();
  await scene.add(insertThing('meanwhile'));
  await expect.poll(() => thingNames(scene), { timeout: 10_000 }).toContain('meanwhile');
  await logServer.restart();
  await add(logs, 'journal', LOG, thingLog(21));
  await expect.poll(() => logRows(scene), { timeout: 15_000 }).toBe(21);
  stop.abort();
  await drain;
});

test('an event of one Redis pool publishes to a stream of another, and waits while that one is down', async () => {
  const { scene } = await openPools('--appendonly', 'yes', '--appendfsync', 'always');
  await logServer.kill();
  await scene.add(insertThing('one', { dirty: [thingDirty(1, ['thing-changed-there'])] }));
  expect(await drainScene(scene, { budgetMs: 4000 })).toMatchObject({
    complete: false,
    channels: { lazy: { entries: 0, pending: 1 } },
  });
  await logServer.restart();
  expect(await drainScene(scene)).toMatchObject({ complete: true, channels: { lazy: { entries: 1 } } });
  const journal = new Redis({ port: logServer.port, protocol: 2 });
  onTestFinished(() => journal.disconnect());
  expect(await dirtyEvents(journal, 'journal:thing-changed-there')).toEqual(['main.Thing i 1']);
  expect(await thingNames(scene)).toEqual(['one']);
});

/** Lazy and search events in pool `default`; logs and garbage in namespaces of another server. */
async function openPools(...logArguments: string[]): Promise<{ scene: Scene; logs: Redis }> {
  if (logArguments.length > 0) {
    await logServer.stop();
    logServer = await startRedis({ arguments: logArguments });
  }
  const { port } = lazyServer;
  const otherPools = `
journal:
  redis: 127.0.0.1:${logServer.port}:0:journal
  streams: { ${LOG}: [${GROUP}], thing-changed-there: [readers] }
tidy:
  redis: 127.0.0.1:${logServer.port}:0:tidy
  streams: { ${GARBAGE}: [${GROUP}] }
`;
  const scene = await openSceneInRedis(`redis: 127.0.0.1:${port}:0`, { port }, otherPools);
  const logs = new Redis({ port: logServer.port, protocol: 2, retryStrategy: () => 50 });
  logs.on('error', () => {}); // Its server is stopped.
  onTestFinished(() => logs.disconnect());
  return { scene, logs };
}

async function addWork(scene: Scene, logs: Redis): Promise<void> {
  for (let number = 1; number <= 20; number++) {
    await scene.add(insertThing(`${number}`));
    await add(logs, 'journal', LOG, thingLog(number));
  }
}

async function add(redis: Redis, namespace: string, stream: string, event: WireValue): Promise<void> {
  await redis.xadd(`${namespace}:${stream}`, '*', 's', encode(event));
}

async function logRows({ query }: Scene): Promise<number> {
  return (await query('SELECT id FROM _log_default_Thing')).length;
}
