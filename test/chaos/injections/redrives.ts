import { setTimeout as sleep } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { ANNEX, type Repairs } from '../workloads/repairs.ts';
import { drainDuring, findRepairs, type Injection } from './injection.ts';

const ENTRIES = 30;
const MAX_LULL_MS = 150;
const ROUNDS = 6;
const MAX_HIT = 3;
const UNREACHABLE = `user:password@tcp(127.0.0.1:1)/${ANNEX}`;

/** Dead letters are redriven at random moments, while what made them fail comes and goes. */
export async function redriveDeadLetters(injection: Injection): Promise<void> {
  const { random } = injection;
  const repairs = findRepairs(injection);
  if (repairs === undefined) return;
  let isClosed = true;
  await repairs.setGate(isClosed);
  await injection.add(ENTRIES);
  let rounds = 0;
  await drainDuring(injection, async () => {
    await sleep(random.integer(0, MAX_LULL_MS));
    if (rounds++ >= ROUNDS) return;
    isClosed = random.chance(0.5);
    await repairs.setGate(isClosed);
    await repairs.redriveAll();
    injection.count('redrives');
  });
  await repairs.setGate(false);
  await loseAndRegainPool(injection, repairs);
  await repairs.redriveAll();
  await injection.waitForEnd(injection.start({}));
}

/**
 * A MySQL pool is down, and leaves the registry after the other statements of its entries were applied, so that these
 * become dead letters. The pool returns, and the dead letters are redriven.
 */
async function loseAndRegainPool(injection: Injection, repairs: Repairs): Promise<void> {
  const { random, application } = injection;
  // Without other entries, so that the batch at which the process is killed contains some of these.
  await repairs.add(ENTRIES);
  const failpoint = random.pick(['executor:committed', 'executor:answered'] as const);
  const hit = random.integer(1, MAX_HIT);
  const registry = parseDocument(application.registryYaml);
  registry.setIn([ANNEX, 'mysql'], UNREACHABLE);
  await injection.waitForEnd(
    injection.start({
      registryYaml: registry.toString(),
      selfSignal: { signal: 'SIGKILL', failpoint, hit },
    }),
  );
  registry.delete(ANNEX);
  await injection.waitForEnd(injection.start({ registryYaml: registry.toString() }));
  injection.count('lost MySQL pools');
}
