import { setTimeout as sleep } from 'node:timers/promises';
import { drainDuring, findCounters, type Injection, waitForStandstill } from './injection.ts';

const ENTRIES = 30;
/** Table full, error writing a file, schema is read-only, lock wait timeout, disk full, an unknown number. */
const CONDITIONS = [1114, 3, 3989, 1205, 1021, 4999];
const MIN_MS = 200;
const MAX_MS = 900;
const FAILURES = 3;

/** For random times the server refuses statements, for reasons that lie in the server. */
export async function reportServerConditions(injection: Injection): Promise<void> {
  const { random, broken } = injection;
  const counters = findCounters(injection);
  if (counters === undefined) return;
  const conditions = random.shuffled(CONDITIONS).slice(0, FAILURES);
  const fail = async (condition: number) => {
    // A consumer without the safeguard takes every error for one of the statement.
    await (broken.includes('errors-permanent') ? counters.failAsIfData() : counters.failWith(condition));
    injection.count(`server condition ${condition}`);
  };
  await fail(conditions.shift() ?? 0);
  await injection.add(ENTRIES);
  let isFirst = true;
  await drainDuring(injection, async () => {
    // The first time is longer, so that every statement meets the error.
    if (isFirst) await waitForStandstill(injection);
    isFirst = false;
    await sleep(random.integer(MIN_MS, MAX_MS));
    await counters.failWith(0);
    const next = conditions.shift();
    if (next === undefined) return;
    await injection.add(1);
    await sleep(random.integer(0, MIN_MS));
    await fail(next);
  });
  await counters.failWith(0);
}
