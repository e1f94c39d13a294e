import { encodeRecord, toBatchItem } from '../ledger/ledger-record.ts';
import { type LedgerRows, toWorkResults } from '../ledger/ledger-rows.ts';
import type { LedgerSession } from '../ledger/ledger-session.ts';
import type { TrackedRow } from '../ledger/tracked-row.ts';
import { PENDING, type WorkItem } from '../ledger/work-item.ts';
import { Coalescer } from './coalescer.ts';
import { findFreeLane, type Lane, type Queued, takeBatch, wantMoreLanes } from './lane.ts';
import { NO_LANE } from './lane-counts.ts';
import { type Ordering, toOrderedStatement } from './ordering.ts';

export interface LaneLimits {
  readonly lanes: number;
  /** Items and bytes of SQL in one batch, at most. A single item may be longer. */
  readonly batchItems: number;
  readonly batchBytes: number;
}

/**
 * Items that wait for their lanes to fall free, from which on more would only fill memory: what lives longer costs the
 * garbage collector more.
 */
const HIGH_WATER_ITEMS = 1000;

/** Attempts, each of two tries, after which a statement that gets no answer even alone is set aside. */
const ATTEMPTS_ALONE = 3;

/**
 * Runs the statements of one MySQL pool: an item enters a lane only when all unfinished items that it must follow are
 * ahead of it in that same lane; a lane sends one batch at a time, in its order. Items enter strictly in their sequence,
 * so each lane is in order of sequence, and the oldest unfinished item of all can always run: nothing waits for ever.
 *
 * A lane sends what is queued when it falls free: batches are small when idle and large under load, without timers.
 */
export class Lanes {
  readonly #session: LedgerSession;
  readonly #rows: LedgerRows;
  readonly #ordering: Ordering;
  readonly #limits: LaneLimits;
  readonly #lanes: Lane[];
  #intake: Queued[] = [];
  readonly #afterPushes = new Coalescer(
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

  /** Whether more items would only wait. */
  get isSaturated(): boolean {
    return this.#waiting >= HIGH_WATER_ITEMS && !wantMoreLanes(this.#lanes);
  }

  /** Items are applied as if in the order in which they are pushed. */
  push(item: WorkItem): void {
    if (this.#isStopped) {
      item.finish(PENDING);
      return;
    }
    const statement = toOrderedStatement(item.shape);
    const sequence = this.#nextSequence++;
    this.#intake.push({ item, statement, sequence, voided: 0, waitsForEarlier: false });
    this.#waiting++;
    this.#afterPushes.pushed();
  }

  /** What is not in flight is left; what is, is answered or left by the session, at the latest at its deadline. */
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
    let taken = 0;
    for (const queued of this.#intake) {
      if (!this.#assignOne(queued)) break;
      taken++;
    }
    if (taken > 0) this.#intake.splice(0, taken);
  }

  #assignOne(queued: Queued): boolean {
    const { item, statement } = queued;
    const earlier = this.#rows.find(item.entry, item.key);
    if (earlier !== undefined) {
      this.#waiting--;
      item.finish(earlier.result, earlier.row);
      return true;
    }
    const place = this.#ordering.laneToFollow(statement);
    const lane = place === NO_LANE ? findFreeLane(this.#lanes) : this.#lanes[place];
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
      // Nothing in there rejects on purpose; a batch that is left is looked up in the next run.
      .catch(() => {
        this.#finishAll(batch);
        this.stop();
      })
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
        this.#finishAll(batch);
        // Nothing that comes after it in this lane may run before it.
        this.stop();
        return;
      case 'void':
        this.#runAgainInHalves(lane, batch);
        return;
      case 'done': {
        const results = toWorkResults(result.outcome);
        const done = batch.slice(0, results.length);
        const row = this.#rows.add(result.key, done);
        for (const [place, queued] of done.entries())
          this.#finish(lane, queued, results[place] ?? PENDING, row);
        this.#runAgainAfterEarlier(lane, batch.slice(done.length));
        lane.maxItems = Math.min(this.#limits.batchItems, 2 * lane.maxItems);
      }
    }
  }

  /** The first of them failed while earlier statements were still running: it is judged once those are done. */
  #runAgainAfterEarlier(lane: Lane, rest: readonly Queued[]): void {
    const [first] = rest;
    if (first === undefined) return;
    first.waitsForEarlier = true;
    this.#putBack(lane, rest);
  }

  /** One of them may kill the executor. Halves find out which, and the others go on. */
  #runAgainInHalves(lane: Lane, batch: readonly Queued[]): void {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) {
      only.voided++;
      if (only.voided >= ATTEMPTS_ALONE) {
        const message = `${2 * ATTEMPTS_ALONE} tries of this statement alone ended without an answer`;
        this.#finish(lane, only, { kind: 'failed', code: 'kills-executor', message });
        lane.maxItems = this.#limits.batchItems;
        return;
      }
    }
    lane.maxItems = Math.max(1, Math.floor(batch.length / 2));
    this.#putBack(lane, batch);
  }

  #putBack(lane: Lane, batch: readonly Queued[]): void {
    if (this.#isStopped) this.#finishAll(batch);
    else {
      lane.queue.unshift(...batch);
      this.#waiting += batch.length;
    }
  }

  #finish(
    lane: Lane,
    { item, statement }: Queued,
    result: Parameters<WorkItem['finish']>[0],
    row?: TrackedRow,
  ): void {
    this.#ordering.finished(statement, lane.index);
    item.finish(result, row);
  }

  /** Left items are not finished for the ordering: nothing that must follow them may run in this drain. */
  #finishAll(batch: readonly Queued[]): void {
    for (const { item } of batch) item.finish(PENDING);
  }
}
