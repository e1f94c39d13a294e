import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createChannels } from '../../functions/poller/channels/channels.ts';
import { parseBindings } from '../../functions/poller/channels/own-streams/binding.ts';
import { ownStreamChannel } from '../../functions/poller/channels/own-streams/own-stream-channel.ts';
import { readStatus } from '../../functions/poller/operations/status.ts';
import { type RedisServer, startRedis } from '../../infra/local/servers/redis-server.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

test("the status of channels comes in a drain's order, whichever Redis pool answers first", async () => {
  const address = `${redis.host}:${redis.port}`;
  const registry = parseRegistry(
    `default: { redis: "${address}:0" }
own: { redis: "${address}:1", streams: { orders: [mailer] } }`,
    'test',
  );
  const handler = { kind: 'module', path: 'none' };
  const bindings = [{ stream: 'orders', group: 'mailer', handler }];
  const [binding] = parseBindings({ bindings }, 'bindings', registry);
  if (binding === undefined) throw new Error('no binding');
  const slow = new Set(['default']);
  const redisPools = [...registry.redisPools].map(([code, pool]) => {
    const resolve = async () => {
      if (slow.has(code)) await sleep(300);
      return pool;
    };
    return [code, resolve] as const;
  });
  const { channels } = await readStatus({
    registry,
    redisPools: new Map(redisPools),
    mysqlPools: [],
    executor: { execute: () => Promise.reject(new Error('there is no MySQL pool')) },
    channels: createChannels({
      allowedStatements: [],
      search: {},
      absentGroups: 'hold',
      requestsCollections: false,
      ownStreams: [ownStreamChannel(binding, { invoke: () => Promise.reject(new Error('not invoked')) })],
    }),
  });
  const names = channels.map(({ channel }) => channel);
  expect(names).toEqual(['lazy', 'log', 'search', 'garbage', 'orders/mailer']);
});
