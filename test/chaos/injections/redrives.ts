import { setTimeout as sleep } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { ANNEX, type Repairs } from '../workloads/repairs.ts';
import { drainDuring, findRepairs, type Injection } from './injection.ts';

const ENTRIES = 30;
const MAX_LULL_MS = 150;
const ROUNDS = 6;
const MAX_HIT = 3;

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
 * A MySQL pool leaves the registry after some statements of an entry were applied, so that the entry becomes a dead
 * letter. The pool returns, and the dead letter is redriven.
 */
async function loseAndRegainPool(injection: Injection, repairs: Repairs): Promise<void> {
  const { random, application } = injection;
  // Without other entries, so that the batch at which the process is killed contains some of these.
  await repairs.add(ENTRIES);
  const failpoint = random.pick(['executor:committed', 'executor:answered'] as const);
  const hit = random.integer(1, MAX_HIT);
  await injection.waitForEnd(injection.start({ selfSignal: { signal: 'SIGKILL', failpoint, hit } }));
  const registry = parseDocument(application.registryYaml);
  registry.delete(ANNEX);
  await injection.waitForEnd(injection.start({ registryYaml: registry.toString() }));
  injection.count('lost MySQL pools');
}
