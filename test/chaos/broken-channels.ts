import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { EntryRecord } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { connectRedis } from '../../functions/poller/redis/connection.ts';
import { deadLetterStream } from '../../shared/dead-letter.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { ASYNC_CONSUMER_GROUP, BUILT_IN_STREAMS, LAZY_STREAM } from '../../shared/registry/beeorm-names.ts';
import type { PollerRegistry } from '../../shared/registry/types.ts';
import { PACKERS, PARCELS } from './workloads/garbage.ts';
import { PROGRESS_KEY } from './workloads/search.ts';

const MAX_PENDING = 500;
/** More than kills in a row can use up. */
const MAX_DELIVERIES = 7;

const pendingSchema = z.array(z.tuple([z.string(), z.string(), z.number(), z.number()]));

/** Does to the keys in Redis what a consumer without a safeguard would do, alongside the real consumer. */
export class BrokenChannels {
  readonly #registry: PollerRegistry;

  constructor(registry: PollerRegistry) {
    this.#registry = registry;
  }

  /** Like `tail -f`, a consumer that starts at the end of a stream never sees the entries before. */
  async startAtTheEnd(): Promise<void> {
    await this.#withRedis('default', async (redis) => {
      for (const stream of BUILT_IN_STREAMS) await redis.xgroup('SETID', stream, ASYNC_CONSUMER_GROUP, '$');
    });
  }

  /** Trims the entries that one group has read, even if they are pending or other groups have not read them. */
  async trimForOneGroup(): Promise<void> {
    await this.#withRedis('default', async (redis) => {
      const groups: unknown = await redis.xinfo('GROUPS', PARCELS);
      for (const flat of Array.isArray(groups) ? groups : []) {
        const facts: unknown[] = Array.isArray(flat) ? flat : [];
        const fact = (name: string) => String(facts[facts.indexOf(name) + 1]);
        if (fact('name') === PACKERS) await redis.xtrim(PARCELS, 'MINID', fact('last-delivered-id'));
      }
    });
  }

  /** Sets aside pending entries by Redis's delivery counts, which other programs raise too. */
  async setAsideByDeliveryCount(): Promise<void> {
    await this.#withRedis('default', async (redis) => {
      const pending = await redis.xpending(LAZY_STREAM, ASYNC_CONSUMER_GROUP, '-', '+', MAX_PENDING);
      for (const [id, , , deliveries] of pendingSchema.parse(pending)) {
        if (deliveries < MAX_DELIVERIES) continue;
        await redis.xadd(deadLetterStream(LAZY_STREAM), '*', 'entry', id, 'code', 'kills-consumer');
        await redis.xack(LAZY_STREAM, ASYNC_CONSUMER_GROUP, id);
      }
    });
  }

  /** Delivers at most once instead of at least once. */
  async acknowledge(records: readonly EntryRecord[]): Promise<void> {
    for (const { eventSourceARN, messageId } of records) {
      const [pool = '', stream = '', group = ''] = eventSourceARN.split(':').slice(2);
      await this.#withRedis(pool, (redis) => redis.xack(stream, group, messageId));
    }
  }

  /** Records a page of rows as indexed as soon as it has been read. */
  recordProgressTooEarly(executor: SqlExecutor): SqlExecutor {
    return {
      execute: async (request) => {
        const reply = await executor.execute(request);
        const lastId = reply.status === 'rows' && reply.more ? reply.rows.at(-1)?.[0] : undefined;
        if (typeof lastId === 'string')
          await this.#withRedis('shop', (redis) => redis.set(PROGRESS_KEY, lastId));
        return reply;
      },
    };
  }

  async #withRedis<Result>(code: string, task: (redis: Redis) => Promise<Result>): Promise<Result> {
    const pool = this.#registry.redisPools.get(code);
    if (pool === undefined) throw new Error(`the registry has no Redis pool '${code}'`);
    const redis = await connectRedis(pool);
    try {
      return await task(redis);
    } finally {
      redis.disconnect();
    }
  }
}
