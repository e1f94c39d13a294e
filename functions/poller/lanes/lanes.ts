import { encodeRecord, toBatchItem } from '../ledger/ledger-record.ts';
import { type LedgerRows, toWorkResults } from '../ledger/ledger-rows.ts';
import type { BatchResult, LedgerSession } from '../ledger/ledger-session.ts';
import { PENDING, type ResultRow, type WorkItem, type WorkResult } from '../ledger/work-item.ts';
import { Coalescer } from './coalescer.ts';
import { findFreeLane, type Lane, type Queued, takeBatch, wantMoreLanes } from './lane.ts';
import { NO_LANE } from './lane-counts.ts';
import { type Ordering, toOrderedStatement } from './ordering.ts';

export interface LaneLimits {
  readonly lanes: number;
  /** Maximum number of items and bytes of SQL in one batch. A single item may be longer. */
  readonly batchItems: number;
  readonly batchBytes: number;
}

/**
 * Waiting items beyond which more would only fill memory: the longer an item lives, the more it costs the garbage
 * collector.
 */
const HIGH_WATER_ITEMS = 1000;

/** Attempts, of two requests each, after which a statement that gets no answer even when sent alone has failed. */
const MAX_ATTEMPTS_ALONE = 3;

/**
 * Runs the statements of one MySQL pool.
 *
 * States of an item, and what may follow each:
 *
 * - *intake*: pushed, not assigned. Leads to *queued* once all unfinished items that it must follow are in one lane (it
 *   joins that lane) or finished (it joins a free one); to *finished* if an earlier epoch has recorded its result.
 * - *queued* in a lane: leads to *in flight* when the lane is free and, if the item has failed too early, everything
 *   before it is finished.
 * - *in flight*: a lane has one batch in flight. Leads to *finished* with its result; back to *queued* if the batch was
 *   void or too large (in halves, to find the item at fault) or ended before the item (it waits for earlier items).
 * - *finished*: `finish` was called. A *pending* result also stops the pool, because nothing that must follow the item
 *   may run in this drain.
 *
 * Items are assigned strictly in their sequence, so each lane is in order of sequence and the oldest unfinished item can
 * always run: no item waits forever. A lane sends what is queued when it becomes free, so batches are small when idle and
 * large under load, without timers.
 */
export class Lanes {
  readonly #session: LedgerSession;
  readonly #rows: LedgerRows;
  readonly #ordering: Ordering;
  readonly #limits: LaneLimits;
  readonly #lanes: Lane[];
  #intake: Queued[] = [];
  readonly #coalescer = new Coalescer(
    () => this.#intake.length >= this.#limits.batchItems,
    () => (this.#isOpen ? this.#pump() : this.#open()),
  );
  #nextSequence = 0;
  #waiting = 0;
  #isOpen = false;
  #isStopped = false;

  constructor(session: LedgerSession, rows: LedgerRows, ordering: Ordering, limits: LaneLimits) {
    this.#session = session;
    this.#rows = rows;
    this.#ordering = ordering;
    this.#limits = limits;
    this.#lanes = Array.from({ length: limits.lanes }, (_, index) => ({
      index,
      queue: [],
      inFlight: [],
      sentAt: 0,
      maxItems: limits.batchItems,
    }));
  }

  /** True if more items would only wait. */
  get isSaturated(): boolean {
    return this.#waiting >= HIGH_WATER_ITEMS && !wantMoreLanes(this.#lanes);
  }

  /** The outcome is as if items were applied in the order in which they are pushed. */
  push(item: WorkItem): void {
    if (this.#isStopped) {
      item.finish(PENDING);
      return;
    }
    const statement = toOrderedStatement(item.shape);
    const sequence = this.#nextSequence++;
    this.#intake.push({ item, statement, sequence, voided: 0, waitsForEarlier: false });
    this.#waiting++;
    this.#coalescer.pushed();
  }

  /** Items not in flight stay pending. Those in flight are answered by the session, at the latest at its deadline. */
  stop(): void {
    this.#isStopped = true;
    const queued = [...this.#intake, ...this.#lanes.flatMap((lane) => lane.queue)];
    this.#intake = [];
    for (const lane of this.#lanes) lane.queue = [];
    this.#waiting = 0;
    for (const { item } of queued) item.finish(PENDING);
  }

  #open(): void {
    this.#session.open().then(
      (isOpen) => {
        this.#isOpen = isOpen;
        if (isOpen) this.#pump();
        else this.stop();
      },
      () => this.stop(),
    );
  }

  #pump(): void {
    if (this.#isStopped) return;
    this.#assign();
    for (const lane of this.#lanes) this.#send(lane);
  }

  #assign(): void {
    let assigned = 0;
    for (const queued of this.#intake) {
      if (!this.#assignOne(queued)) break;
      assigned++;
    }
    if (assigned > 0) this.#intake.splice(0, assigned);
  }

  #assignOne(queued: Queued): boolean {
    const { item, statement } = queued;
    const earlier = this.#rows.find(item.entry, item.key);
    if (earlier !== undefined) {
      this.#waiting--;
      item.finish(earlier.result, earlier.row);
      return true;
    }
    const index = this.#ordering.laneToFollow(statement);
    const lane = index === NO_LANE ? findFreeLane(this.#lanes) : this.#lanes[index];
    if (lane === undefined) return false;
    lane.queue.push(queued);
    this.#ordering.assigned(statement, lane.index);
    return true;
  }

  #send(lane: Lane): void {
    if (lane.inFlight.length > 0 || lane.queue.length === 0 || this.#mustWait(lane)) return;
    const batch = takeBatch(lane, this.#batchBytes());
    this.#waiting -= batch.length;
    lane.inFlight = batch;
    lane.sentAt = Date.now();
    this.#run(lane, batch)
      // Nothing in here rejects intentionally; the next drain looks up a batch that stays pending.
      .catch(() => this.#stayPending(batch))
      .finally(() => {
        lane.inFlight = [];
        this.#pump();
      });
  }

  #mustWait(lane: Lane): boolean {
    const first = lane.queue[0];
    return first?.waitsForEarlier === true && this.#oldestOutside(lane) < first.sequence;
  }

  #oldestOutside(lane: Lane): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const other of this.#lanes) {
      const first = other === lane ? undefined : (other.inFlight[0] ?? other.queue[0]);
      if (first !== undefined && first.sequence < oldest) oldest = first.sequence;
    }
    return oldest;
  }

  #batchBytes(): number {
    return Math.min(this.#limits.batchBytes, this.#session.maxAllowedPacket / 2);
  }

  async #run(lane: Lane, batch: readonly Queued[]): Promise<void> {
    const oldestOutside = this.#oldestOutside(lane);
    const items = batch.map(({ item, statement, sequence }) =>
      toBatchItem(item, statement.table, sequence < oldestOutside),
    );
    const entries = encodeRecord(batch);
    const result = await this.#session.run({ entries, items, exactOrder: this.#ordering.isExact });
    switch (result.kind) {
      case 'pending':
        this.#stayPending(batch);
        return;
      case 'void':
        this.#retryVoided(lane, batch);
        return;
      case 'too-large':
        this.#splitTooLarge(lane, batch);
        return;
      case 'done':
        this.#finishDone(lane, batch, result);
    }
  }

  #finishDone(
    lane: Lane,
    batch: readonly Queued[],
    { key, outcome }: Extract<BatchResult, { kind: 'done' }>,
  ): void {
    const results = toWorkResults(outcome);
    const done = batch.slice(0, results.length);
    const row = this.#rows.add(key, done);
    for (const [index, queued] of done.entries()) this.#finish(lane, queued, results[index] ?? PENDING, row);
    this.#retryAfterEarlier(lane, batch.slice(done.length));
    lane.maxItems = Math.min(this.#limits.batchItems, 2 * lane.maxItems);
  }

  /** The first of them failed while earlier statements were still running; it runs again once those are done. */
  #retryAfterEarlier(lane: Lane, rest: readonly Queued[]): void {
    const [first] = rest;
    if (first === undefined) return;
    first.waitsForEarlier = true;
    this.#putBack(lane, rest);
  }

  /** One of them may kill the executor. Halving finds out which one, and the others proceed. */
  #retryVoided(lane: Lane, batch: readonly Queued[]): void {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) {
      only.voided++;
      if (only.voided >= MAX_ATTEMPTS_ALONE) {
        const message = `${2 * MAX_ATTEMPTS_ALONE} attempts to run this statement alone got no answer`;
        this.#fail(lane, only, 'kills-executor', message);
        return;
      }
    }
    this.#splitInHalves(lane, batch);
  }

  #splitTooLarge(lane: Lane, batch: readonly Queued[]): void {
    const [only] = batch;
    if (only === undefined || batch.length > 1) {
      this.#splitInHalves(lane, batch);
      return;
    }
    const message = `the statement of ${only.item.sql.length} bytes is longer than an invocation of Lambda allows (6 MB)`;
    this.#fail(lane, only, 'too-large', message);
  }

  #splitInHalves(lane: Lane, batch: readonly Queued[]): void {
    lane.maxItems = Math.max(1, Math.floor(batch.length / 2));
    this.#putBack(lane, batch);
  }

  #putBack(lane: Lane, batch: readonly Queued[]): void {
    if (this.#isStopped) for (const { item } of batch) item.finish(PENDING);
    else {
      lane.queue.unshift(...batch);
      this.#waiting += batch.length;
    }
  }

  #fail(lane: Lane, queued: Queued, code: string, message: string): void {
    this.#finish(lane, queued, { kind: 'failed', code, message });
    lane.maxItems = this.#limits.batchItems;
  }

  #finish(lane: Lane, { item, statement }: Queued, result: WorkResult, row?: ResultRow): void {
    this.#ordering.finished(statement, lane.index);
    item.finish(result, row);
  }

  /** To the ordering, the items remain unfinished: nothing that must follow them may run in this drain. */
  #stayPending(batch: readonly Queued[]): void {
    for (const { item } of batch) item.finish(PENDING);
    this.stop();
  }
}
