import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { BUILT_IN_STREAMS, CONSUMER_NAME } from '../../../shared/registry/beeorm-names.ts';
import type { Random } from '../../kit/generate/random.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import { withRedis } from '../workloads/workload.ts';
import { drainDuring, type Injection } from './injection.ts';

const ENTRIES = 30;
const COUNT = 500;
const MAX_LULL_MS = 40;
const CHANCE = 0.5;
const pendingSchema = z.array(z.tuple([z.string(), z.string(), z.number(), z.number()]));

/** Another consumer that crashes in a loop raises the delivery counts of pending entries. */
export async function raiseDeliveryCounts(injection: Injection): Promise<void> {
  const { application, random } = injection;
  const raise = async () => {
    const raised = await withRedis(application, 'default', (redis) => raiseSome(redis, random));
    for (let entry = 0; entry < raised; entry++) injection.count('foreign delivery counts');
  };
  await injection.add(ENTRIES);
  // Leaves a page of pending entries.
  const failpoint = random.pick(['executor:sent', 'executor:committed'] as const);
  await injection.waitForEnd(injection.start({ selfSignal: { signal: 'SIGKILL', failpoint, hit: 1 } }));
  await raise();
  await drainDuring(injection, async () => {
    await sleep(random.integer(0, MAX_LULL_MS));
    await raise();
  });
}

async function raiseSome(redis: Redis, random: Random): Promise<number> {
  let raised = 0;
  for (const stream of BUILT_IN_STREAMS) {
    const pending = pendingSchema.parse(await redis.xpending(stream, CONSUMER_GROUP, '-', '+', COUNT));
    const ids = pending.map(([id]) => id).filter(() => random.chance(CHANCE));
    if (ids.length === 0) continue;
    const deliveries = String(random.integer(5, 100));
    await redis.call(
      'XCLAIM',
      stream,
      CONSUMER_GROUP,
      CONSUMER_NAME,
      '0',
      ...ids,
      'RETRYCOUNT',
      deliveries,
      'JUSTID',
    );
    raised += ids.length;
  }
  return raised;
}
