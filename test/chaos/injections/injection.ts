import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../kit/generate/random.ts';
import { CONSUMER_GROUP, LAZY_STREAM } from '../../kit/test-registry.ts';
import type { Application, Servers } from '../chaos-servers.ts';
import type { ChildInstructions } from '../child-instructions.ts';
import type { ConsumerProcess } from '../consumer-process.ts';
import type { ProcessInstructions } from '../consumers.ts';
import type { Safeguard } from '../safeguards.ts';
import { Counters } from '../workloads/counters.ts';
import { Repairs } from '../workloads/repairs.ts';
import { Tickets } from '../workloads/tickets.ts';
import { readProgress, type Workload, withRedis } from '../workloads/workload.ts';

/** What the campaign offers to a fault. */
export interface Injection {
  readonly servers: Servers;
  readonly application: Application;
  readonly workloads: readonly Workload[];
  readonly random: Random;
  readonly ordering: ChildInstructions['ordering'];
  readonly broken: readonly Safeguard[];
  /** Adds entries of every workload. */
  add(count: number): Promise<void>;
  start(instructions: ProcessInstructions): ConsumerProcess;
  waitForEnd(process: ConsumerProcess): Promise<unknown>;
  /** Counts for the report. */
  count(name: string): void;
}

export const findCounters = ({ workloads }: Injection) => workloads.find((one) => one instanceof Counters);
export const findTickets = ({ workloads }: Injection) => workloads.find((one) => one instanceof Tickets);
export const findRepairs = ({ workloads }: Injection) => workloads.find((one) => one instanceof Repairs);

const POLL_MS = 250;
const MAX_POLLS = 20;

/** Waits until the consumer has settled some lazy entries and settles no more: the others cannot be settled now. */
export async function waitForStandstill({ application }: Injection): Promise<void> {
  const countRemaining = () =>
    withRedis(application, 'default', async (redis) => {
      const { pending, unread } = await readProgress(redis, LAZY_STREAM, CONSUMER_GROUP);
      return pending + unread;
    });
  const first = await countRemaining();
  let last = first;
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    await sleep(POLL_MS);
    const remaining = await countRemaining();
    if (remaining < first && remaining === last) return;
    last = remaining;
  }
}

/** Drains everything, and repeats a task until the consumer process has ended. */
export async function drainDuring(
  { start, waitForEnd }: Injection,
  task: (process: ConsumerProcess) => Promise<void>,
): Promise<void> {
  const process = start({});
  let isRunning = true;
  const ended = waitForEnd(process).then(() => {
    isRunning = false;
  });
  await process.waitUntilDraining();
  while (isRunning) await task(process);
  await ended;
}
