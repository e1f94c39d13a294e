import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { CONSUMER_USER } from '../chaos-servers.ts';
import { withRedis } from '../workloads/workload.ts';
import { drainDuring, type Injection, waitForStandstill } from './injection.ts';
import { patternsExceptPrefixes, patternsExceptSuffix } from './key-patterns.ts';

export type AccessRight = 'cache keys' | 'dirty streams' | 'dead letters';

/** For each right, the patterns of all keys that the consumer may still write without it. */
const WITHOUT: Readonly<Record<AccessRight, readonly string[]>> = {
  'cache keys': patternsExceptPrefixes(['aaaa1', 'bbbb2', 'cccc3']),
  'dirty streams': patternsExceptPrefixes(['changed', 'named', 'shop-changed', 'tickets-c', 'repairs-c']),
  'dead letters': patternsExceptSuffix(':dead-letters'),
};

const ENTRIES = 30;
const MAX_MS = 400;
/** After this many changes the consumer keeps all its rights, so that the drain can finish. */
const CHANGES = 8;

/** The consumer's Redis user loses the right to write some keys, and gets it back, at random moments. */
export async function takeAccessRights(injection: Injection, taken: AccessRight): Promise<void> {
  const { random } = injection;
  await setRights(injection, WITHOUT[taken]);
  await injection.add(ENTRIES);
  let changes = 0;
  await drainDuring(injection, async () => {
    // The first time is longer, so that every entry meets the refusal.
    if (changes === 0) await waitForStandstill(injection);
    await sleep(random.integer(0, MAX_MS));
    changes += 1;
    if (changes > CHANGES) return;
    await setRights(injection, changes % 2 === 0 && changes < CHANGES ? WITHOUT[taken] : undefined);
  });
  injection.count(`acl ${taken}`);
  await setRights(injection, undefined);
}

async function setRights({ application }: Injection, writable: readonly string[] | undefined): Promise<void> {
  const rules = writable === undefined ? ['~*'] : ['%R~*', ...writable.map((pattern) => `%W~${pattern}`)];
  const apply = (redis: Redis) => redis.acl('SETUSER', CONSUMER_USER, 'resetkeys', ...rules);
  await withRedis(application, 'default', apply);
  await withRedis(application, 'shop', apply);
}
