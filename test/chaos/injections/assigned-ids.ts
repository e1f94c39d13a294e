import { setTimeout as sleep } from 'node:timers/promises';
import type { Failpoint } from '../failpoints.ts';
import { findTickets, type Injection } from './injection.ts';

/** After the COMMIT that inserts a row, and before its log row is written. */
const FAILPOINTS: readonly Failpoint[] = ['executor:committed', 'executor:answered', 'poller:executed'];
const KILLS = 3;
const MAX_HIT = 4;
const ENTRIES = 12;
const LULL_MS = 40;
const TAIL_MS = 1500;

/** Kills processes between the insert of a row and its log row. Entries arrive one by one, so that each is a batch of its own. */
export async function killBeforeLogRows(injection: Injection): Promise<void> {
  const { random } = injection;
  const tickets = findTickets(injection);
  if (tickets === undefined) return;
  for (let kill = 0; kill < KILLS; kill++) {
    const failpoint = random.pick(FAILPOINTS);
    const hit = random.integer(2, MAX_HIT);
    const process = injection.start({
      selfSignal: { signal: 'SIGKILL', failpoint, hit },
      isTail: true,
      budgetMs: TAIL_MS,
    });
    const ended = injection.waitForEnd(process);
    await process.waitUntilDraining();
    for (let entry = 0; entry < ENTRIES; entry++) {
      await tickets.add(1);
      await sleep(LULL_MS);
    }
    await ended;
    injection.count('kills before log rows');
  }
  await injection.waitForEnd(injection.start({}));
}
