import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import { CONSUMER_GROUP, LAZY_STREAM } from '../../kit/test-registry.ts';
import { withRedis } from '../workloads/workload.ts';
import { findCounters, type Injection } from './injection.ts';

const ENTRIES = 20;
const ROUNDS = 5;
const MAX_LULL_MS = 200;
const TAIL_MS = 2500;

/**
 * Someone sets the group back to an earlier entry while the consumer drains. Only entries without effects in Redis are
 * added: these are repeated when a group is set back, as its owner asked for.
 */
export async function setGroupBack(injection: Injection): Promise<void> {
  const { application, random, broken } = injection;
  const counters = findCounters(injection);
  if (counters === undefined) return;
  const before = counters.entryIds.length;
  await counters.add(ENTRIES);
  const process = injection.start({ isTail: true, budgetMs: TAIL_MS });
  const ended = injection.waitForEnd(process);
  await process.waitUntilDraining();
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(random.integer(0, MAX_LULL_MS));
    await withRedis(application, 'default', async (redis) => {
      const last = await lastDelivered(redis);
      const id = random.maybePick(
        counters.entryIds.slice(before).filter((entry) => compareStreamIds(entry, last) < 0),
      );
      if (id === undefined) return;
      await redis.xgroup('SETID', LAZY_STREAM, CONSUMER_GROUP, id);
      if (broken.includes('rewind')) await deliverAgain(redis, id);
      injection.count('groups set back');
    });
    await counters.add(1);
  }
  await ended;
  await injection.waitForEnd(injection.start({}));
}

/** Only an ID before this one sets the group back; a later one would skip entries. */
async function lastDelivered(redis: Redis): Promise<string> {
  const groups = z.array(z.array(z.unknown())).parse(await redis.xinfo('GROUPS', LAZY_STREAM));
  const facts = groups.find((fact) => fact[fact.indexOf('name') + 1] === CONSUMER_GROUP) ?? [];
  return String(facts[facts.indexOf('last-delivered-id') + 1]);
}

/** Copies the entries after `id`: a consumer that does not notice that the group was set back executes them again. */
async function deliverAgain(redis: Redis, id: string): Promise<void> {
  const entries = await redis.xrangeBuffer(LAZY_STREAM, `(${id}`, '+');
  for (const [, fields] of entries) await redis.xadd(LAZY_STREAM, '*', ...fields);
}
