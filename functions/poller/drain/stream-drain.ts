import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../../../shared/logging.ts';
import type { DrainBudget } from '../budget.ts';
import type { ChannelWork } from '../channels/channel.ts';
import type { Failpoint } from '../poller-options.ts';
import type { NewEntries } from '../redis/new-entries.ts';
import {
  type FencedGroup,
  readNew,
  readPending,
  type StreamEntry,
  setDeliveries,
} from '../redis/stream-reads.ts';
import { type EntryOutcome, STAYS_PENDING } from '../settlement/entry-outcome.ts';
import { isSuspect, SUSPECTED_FROM } from '../settlement/poison.ts';
import { ReadWindow } from './read-window.ts';
import type { SharedLock } from './shared-lock.ts';

const HELD = { entries: 4000, bytes: 32 << 20, page: 500 };

/** Entries left pending in one drain, at most: reading more would only move them from one list to another. */
const MAX_PENDING = 4000;

const MAX_RESETS_PER_CALL = 500;

/** In one turn: what MySQL and Redis answer meanwhile waits for it, and a lane waits for that. */
const MAX_STARTS_PER_TURN = 50;

export interface StreamDrainOptions {
  readonly redis: Redis;
  readonly group: FencedGroup;
  readonly work: ChannelWork;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly failpoint: Failpoint | undefined;
  readonly sharedLock: SharedLock;
  /** Waits for new entries; undefined where the drain ends with the stream. */
  readonly newEntries: NewEntries | undefined;
  readonly onOutcome: (outcome: EntryOutcome) => void;
}

/** Drains one stream: what is pending first, then what is new, in the order of the stream. */
export class StreamDrain {
  readonly #options: StreamDrainOptions;
  readonly #held: ReadWindow;
  readonly #left = new Set<string>();
  /** Read and not settled. */
  readonly #inHand = new Set<string>();
  /** Those that wait to be tried alone. */
  readonly #suspects = new Set<string>();
  readonly #readingIsOver: Promise<void>;

  constructor(options: StreamDrainOptions) {
    this.#options = options;
    this.#held = new ReadWindow(options.work.held ?? HELD, () => options.work.isSaturated?.() === true);
    this.#readingIsOver = aborted(options.budget.reading);
  }

  /** Ends when the stream is empty (or, in tail mode, with the budget) and all that was read is settled or left. */
  async run(): Promise<void> {
    await this.#drainPending();
    await this.#drainNew();
    this.#options.work.readingEnded?.();
    await this.#held.empty();
  }

  /** Whether this drain will still run the entry, or has left it. */
  isInHand(id: string): boolean {
    return this.#inHand.has(id);
  }

  /** To be called now and then: a pool that seemed to have enough to do may have fallen silent. */
  reconsiderReading(): void {
    this.#held.reconsider();
  }

  get idsInHand(): readonly string[] {
    return [...this.#inHand];
  }

  /**
   * Lets entries count as delivered once. What is left at a graceful end got an answer, or was never tried; what was in
   * hand when Redis was lost was outlived by this process: no sign that it kills anything, however often it happens.
   */
  async setBackDeliveries(ids: readonly string[] = this.#outlived()): Promise<void> {
    if (this.#countsAttempts) return;
    for (let start = 0; start < ids.length; start += MAX_RESETS_PER_CALL) {
      const some = ids.slice(start, start + MAX_RESETS_PER_CALL);
      await setDeliveries(this.#options.redis, this.#options.group, some, 1);
    }
  }

  /** A suspect that was not reached keeps its count: nothing new is known of it. */
  #outlived(): string[] {
    return [...this.#inHand].filter((id) => !this.#suspects.has(id));
  }

  get #countsAttempts(): boolean {
    return this.#options.work.countsAttempts === true;
  }

  async #drainPending(): Promise<void> {
    const { redis, group, budget } = this.#options;
    const suspectedFrom = this.#countsAttempts ? 0 : SUSPECTED_FROM;
    let afterId = '0';
    while (await this.#mayReadOn()) {
      const entries = await readPending(redis, group, this.#held.room, afterId, suspectedFrom);
      const last = entries.at(-1);
      if (last === undefined) return;
      this.#take(entries);
      for (const entry of entries) if (isSuspect(entry)) this.#suspects.add(entry.id);
      afterId = last.id;
      await this.#untilHungry();
      for (const entry of entries) {
        if (!budget.mayRead) this.#held.remove(sizeOf(entry));
        else if (this.#countsAttempts) this.#run(entry);
        else if (isSuspect(entry)) await this.#options.sharedLock.alone(() => this.#runSuspect(entry));
        else await this.#startAll([entry]);
      }
    }
  }

  async #drainNew(): Promise<void> {
    const { newEntries, failpoint } = this.#options;
    let reading: Promise<StreamEntry[]> | undefined;
    while (reading !== undefined || (await this.#mayReadOn())) {
      const entries = await (reading ?? this.#readNew());
      // The next page is fetched before this one is begun: decoding it fills the time that MySQL takes.
      reading = entries.length > 0 && this.#held.hasRoom && this.#mayRead ? this.#readNew() : undefined;
      // Who waits for it is told of its error; until then it is nobody's.
      reading?.catch(() => undefined);
      if (entries.length === 0 && !(await newEntries?.arrived())) return;
      await failpoint?.('read');
      await this.#untilHungry();
      await this.#startAll(entries);
    }
  }

  async #untilHungry(): Promise<void> {
    await Promise.race([this.#held.waitForDemand(), this.#readingIsOver]);
  }

  async #readNew(): Promise<StreamEntry[]> {
    const { redis, group } = this.#options;
    const entries = await readNew(redis, group, this.#held.room);
    this.#take(entries);
    return entries;
  }

  #take(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      this.#inHand.add(entry.id);
      this.#held.add(sizeOf(entry));
    }
  }

  async #mayReadOn(): Promise<boolean> {
    await Promise.race([this.#held.waitForRoom(), this.#readingIsOver]);
    return this.#mayRead;
  }

  get #mayRead(): boolean {
    return this.#options.budget.mayRead && this.#left.size < MAX_PENDING;
  }

  async #startAll(entries: readonly StreamEntry[]): Promise<void> {
    if (this.#countsAttempts) {
      for (const entry of entries) this.#run(entry);
      return;
    }
    for (let start = 0; start < entries.length; start += MAX_STARTS_PER_TURN) {
      if (start > 0) await nextTurn();
      await this.#options.sharedLock.shared();
      for (const entry of entries.slice(start, start + MAX_STARTS_PER_TURN)) this.#startNow(entry);
    }
  }

  #startNow(entry: StreamEntry): void {
    if (this.#options.work.runsBeside === true) {
      this.#run(entry);
      return;
    }
    this.#options.sharedLock.begin();
    this.#run(entry, this.#endShared);
  }

  /** Of an entry among those that one which must run alone waits for. */
  readonly #endShared = (): void => this.#options.sharedLock.end();

  #run(entry: StreamEntry, onEnd?: () => void): void {
    const { id } = entry;
    const bytes = sizeOf(entry);
    const ended = (outcome: EntryOutcome | Promise<EntryOutcome>): void => {
      if (outcome instanceof Promise) {
        outcome.then(ended, (error: unknown) => ended(this.#failed(id, error)));
        return;
      }
      if (outcome.isSettled) this.#inHand.delete(id);
      else this.#left.add(id);
      this.#options.onOutcome(outcome);
      this.#held.remove(bytes);
      onEnd?.();
    };
    try {
      this.#options.work.handle(entry, ended);
    } catch (error) {
      ended(this.#failed(id, error));
    }
  }

  #failed(entry: string, error: unknown): EntryOutcome {
    this.#options.logger.error('an entry could not be handled', { entry, error: errorFields(error) });
    return STAYS_PENDING;
  }

  /** An entry that was there each time when the process died. Its attempt is counted before it begins. */
  async #runSuspect(entry: StreamEntry): Promise<void> {
    const { redis, group, logger } = this.#options;
    if (!this.#options.budget.mayRead) {
      this.#held.remove(sizeOf(entry));
      return;
    }
    this.#suspects.delete(entry.id);
    logger.warn('an entry may be killing the consumer, trying it alone', {
      entry: entry.id,
      deliveries: entry.deliveries,
    });
    await setDeliveries(redis, group, [entry.id], entry.deliveries + 1);
    await new Promise<void>((resolve) => this.#run(entry, resolve));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function sizeOf(entry: StreamEntry): number {
  let bytes = 0;
  for (const [name, value] of entry.fields ?? []) bytes += name.length + value.length;
  return bytes;
}
