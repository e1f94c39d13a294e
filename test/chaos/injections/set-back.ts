import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import { CONSUMER_GROUP, LAZY_STREAM } from '../../kit/test-registry.ts';
import { readProgress, withRedis } from '../workloads/workload.ts';
import { findCounters, type Injection } from './injection.ts';

const ENTRIES = 20;
const ROUNDS = 5;
const MAX_LULL_MS = 200;
const TAIL_MS = 2500;
const POLL_MS = 20;
const MAX_POLLS = 500;

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
  await waitUntilDelivered(injection, counters.entryIds[before] ?? '');
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(random.integer(0, MAX_LULL_MS));
    await withRedis(application, 'default', async (redis) => {
      // A later ID would not set the group back: it would skip entries.
      const { lastDeliveredId } = await readProgress(redis, LAZY_STREAM, CONSUMER_GROUP);
      const id = random.maybePick(
        counters.entryIds.slice(before).filter((entry) => compareStreamIds(entry, lastDeliveredId) < 0),
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

/** Before that the group cannot be set back. */
async function waitUntilDelivered({ application }: Injection, id: string): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    const { lastDeliveredId } = await withRedis(application, 'default', (redis) =>
      readProgress(redis, LAZY_STREAM, CONSUMER_GROUP),
    );
    if (compareStreamIds(lastDeliveredId, id) > 0) return;
    await sleep(POLL_MS);
  }
}

/** Copies the entries after `id`: a consumer that does not notice that the group was set back executes them again. */
async function deliverAgain(redis: Redis, id: string): Promise<void> {
  const entries = await redis.xrangeBuffer(LAZY_STREAM, `(${id}`, '+');
  for (const [, fields] of entries) await redis.xadd(LAZY_STREAM, '*', ...fields);
}
