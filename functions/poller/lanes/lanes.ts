import { encodeRecord, toBatchItem } from '../ledger/ledger-record.ts';
import { type LedgerRows, toWorkResults } from '../ledger/ledger-rows.ts';
import type { LedgerSession } from '../ledger/ledger-session.ts';
import type { TrackedRow } from '../ledger/tracked-row.ts';
import { NO_LANE } from './lane-counts.ts';
import { type OrderedStatement, type Ordering, toOrderedStatement } from './ordering.ts';
import { LEFT, type WorkItem } from './work.ts';

export interface LaneLimits {
  readonly lanes: number;
  /** Items and bytes of SQL in one batch, at most. A single item may be longer. */
  readonly batchItems: number;
  readonly batchBytes: number;
}

/** Attempts, each of two tries, after which a statement that gets no answer even alone is set aside. */
const ATTEMPTS_ALONE = 3;

/** Lanes that are used before each of them has a full batch to do: few large batches win over many small ones. */
const FEW_LANES = 4;

interface Queued {
  readonly item: WorkItem;
  readonly statement: OrderedStatement;
  /** Position among all items of this pool. */
  readonly sequence: number;
  /** Times that it was in a batch that had to be voided. */
  voided: number;
  /** Set once it failed too early: runs again when everything before it is done. */
  waitsForEarlier: boolean;
}

interface Lane {
  readonly index: number;
  /** In the order of their sequences. */
  queue: Queued[];
  inFlight: readonly Queued[];
  /** After a voided batch: how many items the next one may have. */
  mostItems: number;
}

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
  #nextSequence = 0;
  #waiting = 0;
  #isPumping = false;
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
      mostItems: limits.batchItems,
    }));
  }

  /** Items that wait for their lane to fall free. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Items are applied as if in the order in which they are pushed. */
  push(item: WorkItem): void {
    if (this.#isStopped) {
      item.finish(LEFT);
      return;
    }
    const statement = toOrderedStatement(item.shape);
    const sequence = this.#nextSequence++;
    this.#intake.push({ item, statement, sequence, voided: 0, waitsForEarlier: false });
    this.#waiting++;
    this.#schedulePump();
  }

  /** What is not in flight is left; what is, is answered or left by the session, at the latest at its deadline. */
  stop(): void {
    this.#isStopped = true;
    const queued = [...this.#intake, ...this.#lanes.flatMap((lane) => lane.queue)];
    this.#intake = [];
    for (const lane of this.#lanes) lane.queue = [];
    this.#waiting = 0;
    for (const { item } of queued) item.finish(LEFT);
  }

  /** Later in the same turn, so that all items of a page are there before the first batch is cut. */
  #schedulePump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      if (this.#isOpen) this.#pump();
      else this.#open();
    });
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
    const lane = place === NO_LANE ? this.#freeLane() : this.#lanes[place];
    if (lane === undefined) return false;
    lane.queue.push(queued);
    this.#ordering.assigned(statement, lane.index);
    return true;
  }

  /**
   * For an item that follows none: an idle lane whose next batch has room, the first one first. Once a few lanes are
   * busy, a batch is filled behind them before another lane is opened: it goes as soon as one of them falls free.
   */
  #freeLane(): Lane | undefined {
    let idle: Lane | undefined;
    let shortest: Lane | undefined;
    let busy = 0;
    for (const lane of this.#lanes) {
      const isFull = lane.queue.length >= lane.mostItems;
      if (lane.inFlight.length === 0 && !isFull) idle ??= lane;
      else busy++;
      if (shortest === undefined || lane.queue.length < shortest.queue.length) shortest = lane;
    }
    if (idle === undefined) return shortest;
    if (busy < FEW_LANES || idle.queue.length > 0) return idle;
    return this.#behindBusyLane() ?? idle;
  }

  #behindBusyLane(): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of this.#lanes) {
      const takesMore = lane.inFlight.length > 0 && lane.queue.length < lane.mostItems;
      // The fullest: its next batch is the first to be worth sending.
      if (takesMore && (best === undefined || lane.queue.length > best.queue.length)) best = lane;
    }
    return best;
  }

  #send(lane: Lane): void {
    if (lane.inFlight.length > 0 || lane.queue.length === 0 || this.#mustWait(lane)) return;
    const batch = this.#cutBatch(lane);
    lane.inFlight = batch;
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

  #cutBatch(lane: Lane): Queued[] {
    let bytes = 0;
    let count = 0;
    for (const { item } of lane.queue) {
      bytes += item.sql.length;
      if (count > 0 && (count >= lane.mostItems || bytes > this.#batchBytes())) break;
      count++;
    }
    this.#waiting -= count;
    return lane.queue.splice(0, count);
  }

  #batchBytes(): number {
    return Math.min(this.#limits.batchBytes, this.#session.maxAllowedPacket / 2);
  }

  async #run(lane: Lane, batch: readonly Queued[]): Promise<void> {
    const oldestOutside = this.#oldestOutside(lane);
    const items = batch.map(({ item, sequence }) => toBatchItem(item, sequence < oldestOutside));
    const result = await this.#session.run(encodeRecord(batch.map(({ item }) => item)), items);
    switch (result.kind) {
      case 'left':
        this.#finishAll(batch);
        // Nothing that comes after it in this lane may run before it.
        this.stop();
        return;
      case 'void':
        this.#runAgainInHalves(lane, batch);
        return;
      case 'done': {
        const done = batch.slice(0, result.outcome.results.length);
        const row = this.#rows.add(
          result.key,
          done.map(({ item }) => item),
        );
        const results = toWorkResults(result.outcome);
        done.forEach((queued, place) => {
          this.#finish(lane, queued, results[place] ?? LEFT, row);
        });
        this.#runAgainAfterEarlier(lane, batch.slice(done.length));
        lane.mostItems = Math.min(this.#limits.batchItems, 2 * lane.mostItems);
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
        lane.mostItems = this.#limits.batchItems;
        return;
      }
    }
    lane.mostItems = Math.max(1, Math.floor(batch.length / 2));
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
    for (const { item } of batch) item.finish(LEFT);
  }
}
