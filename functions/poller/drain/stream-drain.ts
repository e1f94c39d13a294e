import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../../../shared/logging.ts';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import type { DrainBudget } from '../budget.ts';
import type { EntryProcessor } from '../channels/channel.ts';
import type { Failpoint } from '../failpoints.ts';
import type { FencedGroup } from '../redis/fenced-group.ts';
import type { NewEntries } from '../redis/new-entries.ts';
import type { StreamEntry } from '../redis/stream-entry.ts';
import { readNew, readPending } from '../redis/stream-reads.ts';
import { lastDelivered as readLastDelivered } from '../redis/stream-status.ts';
import { type EntryOutcome, STAYS_PENDING } from '../settlement/entry-outcome.ts';
import { mayBePoison, POSSIBLY_POISON_FROM } from '../settlement/poison.ts';
import { EntryAttempts } from './entry-attempts.ts';
import { ReadWindow } from './read-window.ts';
import type { SharedLock } from './shared-lock.ts';

const DEFAULT_WINDOW = { entries: 4000, bytes: 32 << 20, page: 500 };

/** Limit for entries that stay pending in one drain: reading on would only turn unread entries into pending ones. */
const MAX_PENDING = 4000;

/** Entries started per event-loop turn. Replies from MySQL and Redis wait for the turn, and lanes wait for replies. */
const MAX_STARTS_PER_TURN = 50;

export interface StreamDrainOptions {
  readonly redis: Redis;
  readonly group: FencedGroup;
  /** ID of the last entry that the group had delivered when the lock was acquired. */
  readonly lastDelivered: string;
  readonly processor: EntryProcessor;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly failpoint: Failpoint | undefined;
  readonly sharedLock: SharedLock;
  /** Waits for new entries; undefined if the drain ends with the stream. */
  readonly newEntries: NewEntries | undefined;
  /** Called if reading failed. True once it may continue; false if the stream cannot be read in this drain. */
  readonly recover: (error: unknown, stream: StreamDrain) => Promise<boolean>;
  readonly onOutcome: (outcome: EntryOutcome) => void;
}

/**
 * Drains one stream: pending entries first, then new ones, in stream order.
 *
 * States of the stream, and what may follow each:
 *
 * - *reading pending entries*: page by page, each started in order; possible poison entries run exclusively. Leads to
 *   *reading new entries* after the last page, or to *finishing* when the budget for reading is over.
 * - *reading new entries*: one page ahead of the one being started. Leads to *waiting* if the stream is empty and the
 *   drain waits for new entries; to *finishing* if it is empty otherwise, if the budget for reading is over, or if too
 *   many entries stay pending.
 * - *waiting* for new entries: leads back to *reading new entries*, or to *finishing*.
 * - *finishing*: nothing more is read; ends when every entry that was read is settled or stays pending.
 *
 * If reading fails (the group is gone, Redis refuses to write), `recover` decides. If the stream continues, it returns to
 * *reading pending entries*, from where it was: Redis may have marked entries as delivered that did not arrive here.
 *
 * States of an entry: *in hand* (read; counted by the read window), then *settled*, or *pending* for a later drain.
 */
export class StreamDrain {
  readonly attempts: EntryAttempts;
  readonly #options: StreamDrainOptions;
  readonly #window: ReadWindow;
  /** Entries that stay pending. */
  readonly #pending = new Set<string>();
  /** Entries that were read and are not settled. */
  readonly #inHand = new Set<string>();
  /** Pending entries that were read and are not started yet, in order. */
  #toStart: StreamEntry[] = [];
  /** Reading pending entries continues after this one. */
  #pendingAfter = '0';
  /** How far the group has been read. Within an epoch no entry up to there may be read again. */
  #lastRead: string;
  #hasReadPending = false;
  /** Set while it waits for new entries; {@link watch} notes whether it has waited since the call before. */
  #waiting: 'since-watch' | 'before-watch' | undefined;
  readonly #readingIsOver: Promise<void>;

  constructor(options: StreamDrainOptions) {
    const { redis, group, processor, budget, lastDelivered } = options;
    this.#options = options;
    this.attempts = new EntryAttempts(redis, group, processor.countsAttempts === true);
    this.#window = new ReadWindow(
      processor.readWindow ?? DEFAULT_WINDOW,
      () => processor.isSaturated?.() === true,
    );
    this.#lastRead = lastDelivered;
    this.#readingIsOver = aborted(budget.reading);
  }

  async run(): Promise<void> {
    await this.#read();
    this.#options.processor.readingEnded?.();
    await this.#window.waitUntilEmpty();
  }

  /** True if this drain still runs the entry, or has left it pending. */
  isInHand(id: string): boolean {
    return this.#inHand.has(id);
  }

  /** Call this now and then: a pool that seemed to have enough queued may have stopped answering. */
  recheckDemand(): void {
    this.#window.recheck();
  }

  /**
   * To be called every few seconds. A stream that has waited since the last call although there are unread entries has
   * missed them: it looks again. True if so.
   */
  watch(hasUnread: boolean): boolean {
    const hasMissed = hasUnread && this.#waiting === 'before-watch';
    if (this.#waiting !== undefined) this.#waiting = hasUnread ? 'before-watch' : 'since-watch';
    if (hasMissed) this.#options.newEntries?.restart();
    return hasMissed;
  }

  /** The last entry that this drain has read. Undefined while it has not read all pending entries. */
  get lastRead(): string | undefined {
    return this.#hasReadPending ? this.#lastRead : undefined;
  }

  /** To be called if the group was created again. In a stream that begins again, IDs may be lower than before. */
  continueAfter(position: string): void {
    this.#lastRead = position;
  }

  get idsInHand(): readonly string[] {
    return [...this.#inHand];
  }

  get #countsAttempts(): boolean {
    return this.#options.processor.countsAttempts === true;
  }

  async #read(): Promise<void> {
    for (;;) {
      try {
        await this.#drainPending();
        await this.#drainNew();
        return;
      } catch (error) {
        if (await this.#options.recover(error, this)) continue;
        this.#leaveToStart();
        return;
      }
    }
  }

  async #drainPending(): Promise<void> {
    const { redis, group } = this.#options;
    const countUpTo = this.#countsAttempts ? 0 : POSSIBLY_POISON_FROM;
    await this.#startPending();
    if (this.#hasReadPending) this.#pendingAfter = this.#lastRead;
    // Entries beyond the position of a group that was set back are delivered again as new.
    const upTo = this.#hasReadPending ? await this.#readPosition() : this.#lastRead;
    while (await this.#mayContinueReading()) {
      const range = { after: this.#pendingAfter, upTo };
      const entries = await readPending(redis, group, this.#window.room, range, countUpTo);
      const last = entries.at(-1);
      if (last === undefined) {
        this.#hasReadPending = true;
        return;
      }
      this.#take(entries);
      this.attempts.pendingRead(entries);
      this.#toStart = entries;
      this.#pendingAfter = last.id;
      this.#noteRead(last.id);
      await this.#untilDemand();
      await this.#startPending();
    }
  }

  #readPosition(): Promise<string> {
    const { redis, group } = this.#options;
    return readLastDelivered(redis, group.stream, group.group);
  }

  /** If an entry cannot be started, it remains the first one to start. */
  async #startPending(): Promise<void> {
    for (let entry = this.#toStart[0]; entry !== undefined; entry = this.#toStart[0]) {
      await this.#startPendingEntry(entry);
      this.#toStart.shift();
    }
  }

  #leaveToStart(): void {
    for (const entry of this.#toStart) this.#window.remove(sizeOf(entry));
    this.#toStart = [];
  }

  #noteRead(id: string): void {
    if (compareStreamIds(id, this.#lastRead) > 0) this.#lastRead = id;
  }

  async #startPendingEntry(entry: StreamEntry): Promise<void> {
    if (!this.#options.budget.mayRead) this.#window.remove(sizeOf(entry));
    else if (this.#countsAttempts) this.#run(entry);
    else if (mayBePoison(entry))
      await this.#options.sharedLock.runExclusively(() => this.#runPossiblePoison(entry));
    else await this.#startAll([entry]);
  }

  async #drainNew(): Promise<void> {
    const { failpoint } = this.#options;
    let reading: Promise<StreamEntry[]> | undefined;
    while (reading !== undefined || (await this.#mayContinueReading())) {
      const entries = await (reading ?? this.#readNew());
      // The next page is fetched before this one is started: decoding it fills the time that MySQL takes.
      reading = entries.length > 0 && this.#window.hasRoom && this.#mayRead ? this.#readNew() : undefined;
      // The caller that awaits this page sees its error; until then, avoid an unhandled rejection.
      reading?.catch(() => undefined);
      if (entries.length === 0 && !(await this.#hasArrived())) return;
      await failpoint?.('read');
      await this.#untilDemand();
      await this.#startAll(entries);
    }
  }

  async #hasArrived(): Promise<boolean> {
    const { newEntries } = this.#options;
    if (newEntries === undefined) return false;
    this.#waiting = 'since-watch';
    try {
      return await newEntries.arrived();
    } finally {
      this.#waiting = undefined;
    }
  }

  async #untilDemand(): Promise<void> {
    await Promise.race([this.#window.waitForDemand(), this.#readingIsOver]);
  }

  async #readNew(): Promise<StreamEntry[]> {
    const { redis, group } = this.#options;
    const entries = await readNew(redis, group, this.#window.room, this.#lastRead);
    this.#take(entries);
    const last = entries.at(-1);
    if (last !== undefined) this.#noteRead(last.id);
    this.attempts.newRead(entries);
    return entries;
  }

  #take(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      this.#inHand.add(entry.id);
      this.#window.add(sizeOf(entry));
    }
  }

  async #mayContinueReading(): Promise<boolean> {
    await Promise.race([this.#window.waitForRoom(), this.#readingIsOver]);
    return this.#mayRead;
  }

  get #mayRead(): boolean {
    return this.#options.budget.mayRead && this.#pending.size < MAX_PENDING;
  }

  async #startAll(entries: readonly StreamEntry[]): Promise<void> {
    if (this.#countsAttempts) {
      for (const entry of entries) this.#run(entry);
      return;
    }
    for (let start = 0; start < entries.length; start += MAX_STARTS_PER_TURN) {
      if (start > 0) await nextTurn();
      await this.#options.sharedLock.waitUntilShared();
      for (const entry of entries.slice(start, start + MAX_STARTS_PER_TURN)) this.#startNow(entry);
    }
  }

  #startNow(entry: StreamEntry): void {
    if (this.#options.processor.runsIndependently === true) {
      this.#run(entry);
      return;
    }
    this.#options.sharedLock.acquire();
    this.#run(entry, this.#release);
  }

  readonly #release = (): void => this.#options.sharedLock.release();

  #run(entry: StreamEntry, onEnd?: () => void): void {
    const { id } = entry;
    const bytes = sizeOf(entry);
    const ended = (outcome: EntryOutcome | Promise<EntryOutcome>): void => {
      if (outcome instanceof Promise) {
        outcome.then(ended, (error: unknown) => ended(this.#failed(id, error)));
        return;
      }
      if (outcome.isSettled) {
        this.#inHand.delete(id);
        this.attempts.settled(id);
      } else this.#pending.add(id);
      this.#options.onOutcome(outcome);
      this.#window.remove(bytes);
      onEnd?.();
    };
    try {
      this.#options.processor.process(entry, ended);
    } catch (error) {
      ended(this.#failed(id, error));
    }
  }

  #failed(entry: string, error: unknown): EntryOutcome {
    this.#options.logger.error('entry could not be processed', { entry, error: errorFields(error) });
    return STAYS_PENDING;
  }

  /** Tries an entry that was in hand each time a process died. The attempt is counted before it begins. */
  async #runPossiblePoison(entry: StreamEntry): Promise<void> {
    const { logger, budget } = this.#options;
    if (!budget.mayRead) {
      this.#window.remove(sizeOf(entry));
      return;
    }
    logger.warn('possible poison entry, trying it alone', {
      entry: entry.id,
      attempts: entry.earlierAttempts,
    });
    await this.attempts.beginAlone(entry.id);
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
