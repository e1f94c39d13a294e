import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../../shared/logging.ts';
import type { Channel } from './channels/channel.ts';
import { ATTEMPTS_FIELD, deadLetterStream, FIRST_ENTRY_FIELD } from './dead-letters.ts';
import type { DrainBudget } from './drain-budget.ts';
import { identify } from './entry-identity.ts';
import { type EntryOutcome, EntryRun, type EntryServices, type ReadEntry } from './entry-run.ts';
import type { Exclusivity } from './exclusivity.ts';
import { HeldEntries } from './held-entries.ts';
import { type Planned, type PlanRules, reject } from './plan.ts';
import type { AtPollerPoint } from './poller-options.ts';
import type { NewEntries } from './redis/new-entries.ts';
import {
  type FencedGroup,
  readNew,
  readPending,
  type StreamEntry,
  setDeliveries,
} from './redis/stream-reads.ts';

const HELD = { entries: 4000, bytes: 32 << 20, page: 500 };

/**
 * Deliveries without an answer from which an entry is suspected of killing the process: it is tried alone from then on.
 * After as many more, each of them alone, it is set aside.
 */
const SUSPECTED_FROM = 3;
const ATTEMPTS_ALONE = 4;

export interface StreamDrainOptions {
  readonly channel: Channel;
  readonly redis: Redis;
  readonly group: FencedGroup;
  /** Redis pool and stream, as the ledger names them. */
  readonly ledgerName: string;
  /** As the registry names it. */
  readonly groupName: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly rules: PlanRules;
  readonly services: EntryServices;
  readonly atPoint: AtPollerPoint;
  readonly exclusivity: Exclusivity;
  /** Waits for new entries; undefined where the drain ends with the stream. */
  readonly newEntries: NewEntries | undefined;
  readonly onOutcome: (outcome: EntryOutcome) => void;
}

/** Drains one stream: what is pending first, then what is new, in the order of the stream. */
export class StreamDrain {
  readonly #options: StreamDrainOptions;
  readonly #held = new HeldEntries(HELD);
  readonly #left = new Set<string>();
  readonly #readingIsOver: Promise<void>;

  constructor(options: StreamDrainOptions) {
    this.#options = options;
    this.#readingIsOver = aborted(options.budget.reading);
  }

  /** Entries that stay pending, having got an answer or none being due: no sign that they kill anything. */
  get leftIds(): string[] {
    return [...this.#left];
  }

  get heldCount(): number {
    return this.#held.count;
  }

  /** Ends when the stream is empty (or, in tail mode, with the budget) and all that was read is settled or left. */
  async run(): Promise<void> {
    await this.#drainPending();
    await this.#drainNew();
    await this.#held.empty();
  }

  async #drainPending(): Promise<void> {
    const { redis, group, budget } = this.#options;
    let afterId = '0';
    while (await this.#mayReadOn()) {
      const entries = await readPending(redis, group, this.#held.room, afterId, SUSPECTED_FROM);
      const last = entries.at(-1);
      if (last === undefined) return;
      afterId = last.id;
      for (const entry of entries) {
        if (!budget.mayRead) return;
        if (entry.deliveries < SUSPECTED_FROM || entry.fields === undefined) await this.#start(entry);
        else await this.#options.exclusivity.alone(() => this.#runSuspect(entry));
      }
    }
  }

  async #drainNew(): Promise<void> {
    const { redis, group, newEntries } = this.#options;
    while (await this.#mayReadOn()) {
      const entries = await readNew(redis, group, this.#held.room);
      if (entries.length === 0) {
        if (newEntries === undefined || !(await newEntries.arrived())) return;
      }
      await this.#options.atPoint('read');
      await this.#options.exclusivity.shared();
      for (const entry of entries) this.#startNow(entry);
    }
  }

  /** False: the budget is over, or so much is left that reading more would only move it from one list to another. */
  async #mayReadOn(): Promise<boolean> {
    const { budget } = this.#options;
    await Promise.race([this.#held.roomy(), this.#readingIsOver]);
    return budget.mayRead && this.#left.size < HELD.entries;
  }

  async #start(entry: StreamEntry): Promise<void> {
    await this.#options.exclusivity.shared();
    this.#startNow(entry);
  }

  #startNow(entry: StreamEntry): void {
    const { exclusivity } = this.#options;
    exclusivity.begin();
    this.#run(entry)
      .catch((error: unknown) => {
        this.#left.add(entry.id);
        this.#options.logger.error('an entry could not be handled', {
          entry: entry.id,
          ...errorFields(error),
        });
      })
      .finally(() => exclusivity.end());
  }

  async #run(entry: StreamEntry): Promise<void> {
    const bytes = sizeOf(entry);
    this.#held.add(bytes);
    try {
      const outcome = await new EntryRun(this.#read(entry), this.#options.services).run();
      if (!outcome.isSettled) this.#left.add(entry.id);
      this.#options.onOutcome(outcome);
    } finally {
      this.#held.remove(bytes);
    }
  }

  /** An entry that was there each time when the process died. Its attempt is counted before it begins. */
  async #runSuspect(entry: StreamEntry): Promise<void> {
    const { redis, group, logger } = this.#options;
    if (!this.#options.budget.mayRead) return;
    logger.warn('an entry may be killing the consumer, trying it alone', {
      entry: entry.id,
      deliveries: entry.deliveries,
    });
    await setDeliveries(redis, group, [entry.id], entry.deliveries + 1);
    await this.#run(entry);
  }

  #read(entry: StreamEntry): ReadEntry {
    const { channel, group, groupName, rules } = this.#options;
    return {
      identity: identify(this.#options.ledgerName, entry),
      stream: group.stream,
      group: group.group,
      deadLetterStream: deadLetterStream(group.stream),
      deadLetterFields: [
        ['entry', fieldOf(entry, FIRST_ENTRY_FIELD)?.toString() ?? entry.id],
        ['group', groupName],
        ['attempts', String(Number(fieldOf(entry, ATTEMPTS_FIELD) ?? 0) + entry.deliveries)],
      ],
      planned: judgeDelivery(entry) ?? channel.plan(fieldOf(entry, 's'), rules),
    };
  }
}

/** What is to be set aside whatever it holds. */
function judgeDelivery(entry: StreamEntry): Planned | undefined {
  if (entry.fields === undefined) {
    return reject('deleted-entry', 'the entry was pending, but somebody has deleted it from the stream');
  }
  if (entry.deliveries < SUSPECTED_FROM + ATTEMPTS_ALONE) return undefined;
  const deliveries = `${entry.deliveries} deliveries ended without an answer`;
  return reject('kills-consumer', `${deliveries}, the last ${ATTEMPTS_ALONE} of this entry alone`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function fieldOf(entry: StreamEntry, name: string): Buffer | undefined {
  return entry.fields?.find(([field]) => field.equals(Buffer.from(name)))?.[1];
}

function sizeOf(entry: StreamEntry): number {
  return (entry.fields ?? []).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}
