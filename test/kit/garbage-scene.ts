import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { type LocalConsumerOverrides, openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import type { RedisServer } from '../../infra/local/servers/redis-server.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { createLogger } from '../../shared/logging.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { encode } from './generate/messagepack.ts';

export const GROUP = 'orm-async-consumer';
export const GARBAGE = 'orm-stream-garbage-collector';
export const GARBAGE_KEY = 'orm-async-consumer_gc';

/** A stream with the groups `readers` and `writers`. */
export const ORDERS = 'orders';

/** A scene for BeeORM's garbage collection, on a Redis server that no other test uses. */
export interface GarbageScene {
  readonly redis: Redis;
  /** The warnings and errors of all drains, each as one line of JSON. */
  readonly log: string[];
  /** Adds entries with the ids `1-0`, `2-0` and so on. */
  addOrders(count: number): Promise<void>;
  /** Reads the first entries as the group, and acknowledges all of them `except` some. */
  read(group: string, count: number, except?: readonly string[]): Promise<void>;
  /** The ids of the remaining entries of a stream. */
  remainingIds(stream?: string): Promise<string[]>;
  /** Requests a garbage collection, as a BeeORM consumer of the group does. */
  requestCollection(group: string, pool?: string): Promise<void>;
  drain(setting?: GarbageDrainSetting): Promise<DrainSummary>;
}

interface GarbageDrainSetting {
  readonly absentGroups?: 'hold' | 'ignore';
  readonly collectsGarbage?: boolean;
  readonly signal?: AbortSignal;
  readonly poller?: LocalConsumerOverrides;
}

/** `namespace` is that of the Redis pool; empty if it has none. */
export async function openGarbageScene({ host, port }: RedisServer, namespace = ''): Promise<GarbageScene> {
  const prefix = namespace === '' ? '' : `${namespace}:`;
  const redis = new Redis({ host, port, keyPrefix: prefix, protocol: 2 });
  redis.on('error', () => {}); // Tests stop servers. Commands that fail meanwhile reject.
  onTestFinished(() => redis.disconnect());
  await redis.flushall();
  const address = `${host}:${port}`;
  const registry = parseRegistry(
    `default:
  redis: ${address}:0${namespace === '' ? '' : `:${namespace}`}
  streams:
    ${ORDERS}: [readers, writers]
    ${ORDERS}:dead-letters: [readers]
other:
  redis: ${address}:1
  streams: { elsewhere: [readers] }
`,
    'registry.yaml',
  );
  const log: string[] = [];
  const logger = createLogger({ level: 'warn', destination: { write: (line) => log.push(line) > 0 } });
  return {
    redis,
    log,
    addOrders: async (count) => {
      const script = "for id = 1, ARGV[2] do redis.call('XADD', ARGV[1], id .. '-0', 's', 'order') end";
      await redis.eval(script, 0, prefix + ORDERS, count);
    },
    read: async (group, count, except = []) => {
      const name = prefix + group;
      await redis.xgroup('CREATE', ORDERS, name, '0').catch(() => undefined);
      if (count === 0) return;
      await redis.xreadgroup('GROUP', name, 'consumer-1', 'COUNT', count, 'STREAMS', ORDERS, '>');
      const ids = Array.from({ length: count }, (_, index) => `${index + 1}-0`);
      const acknowledged = ids.filter((id) => !except.includes(id));
      for (let start = 0; start < acknowledged.length; start += 5000)
        await redis.xack(ORDERS, name, ...acknowledged.slice(start, start + 5000));
    },
    remainingIds: async (stream = ORDERS) => (await redis.xrange(stream, '-', '+')).map(([id]) => id),
    requestCollection: async (group, pool = 'default') => {
      await redis.xadd(GARBAGE, '*', 's', encode({ Group: group, Pool: pool }));
    },
    drain: async ({ absentGroups = 'hold', collectsGarbage = false, signal, poller = {} } = {}) => {
      const settings = { ordering: 'entity', lazyConcurrency: 2, ledgerDatabase: 'x' } as const;
      const consumer = await openLocalConsumer(
        { ...settings, registry, logger, allowedStatements: [], absentGroups, collectsGarbage },
        poller,
      );
      try {
        return await consumer.drain({ budgetMs: 30_000, ...(signal === undefined ? {} : { signal }) });
      } finally {
        await consumer.close();
      }
    },
  };
}
