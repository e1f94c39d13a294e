import type { Logger } from '../../../shared/logging.ts';
import type { Deferral } from '../../../shared/protocol.ts';
import { encodeRecord, toBatchItem } from '../ledger/ledger-record.ts';
import { type LedgerRows, toWorkResults } from '../ledger/ledger-rows.ts';
import type { BatchResult, LedgerSession } from '../ledger/ledger-session.ts';
import {
  type DeferredItem,
  PENDING,
  type ResultRow,
  type WorkItem,
  type WorkResult,
} from '../ledger/work-item.ts';
import { Coalescer } from './coalescer.ts';
import {
  bySequence,
  findFreeLane,
  insertInSequence,
  type Lane,
  oldestOf,
  type Queued,
  takeBatch,
  wantMoreLanes,
} from './lane.ts';
import { NO_LANE, SET_ASIDE } from './lane-counts.ts';
import { type Ordering, orderedOnTables, toOrderedStatement } from './ordering.ts';
import { type ParkedLane, Parking } from './parking.ts';

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

/** Attempts to run a statement alone after which an error that is not known to pass is its failure. */
const MAX_UNKNOWN_ERRORS_ALONE = 5;

/** While some statement of the pool waits for a lock, others don't wait as long as usual. */
const SHORT_LOCK_WAIT_SECONDS = 1;

/**
 * Runs the statements of one MySQL pool.
 *
 * States of an item, and what may follow each:
 *
 * - *intake*: pushed, not assigned. Leads to *queued* once all unfinished items that it must follow are in one lane (it
 *   joins that lane) or finished (it joins a free one); to *set aside* if one of them is set aside or parked; to *parked*
 *   or *set aside* if its table is obstructed (see `Parking`); to *finished* if an earlier epoch has recorded its result.
 * - *queued* in a lane: leads to *in flight* when the lane is free and, if the item has failed too early, everything
 *   before it is finished (to *parked* if something earlier is parked or set aside); back to *intake* if an item ahead of
 *   it in the lane is parked.
 * - *in flight*: a lane has one batch in flight. Leads to *finished* with its result; to *parked* if it cannot run now;
 *   back to *queued* if the batch was void, too large or not possible in one transaction (in halves, to find the item at
 *   fault, or one by one) or ended before the item (it waits for earlier items); back to *intake* if the batch ended
 *   before another item that cannot run now.
 * - *parked*, in a lane of its own: it is sent alone, at growing intervals. Leads to *finished* with its result, or as a
 *   failure if its error is not known to pass and occurred in each of several attempts while others were applied.
 * - *set aside*: it must follow one that is parked or set aside. Leads back to *intake* whenever a parked item is finished
 *   or a table is no longer obstructed.
 * - *finished*: `finish` was called. A *pending* result also stops the pool, because nothing that must follow the item
 *   may run in this drain.
 *
 * Items are assigned strictly in their sequence, so each lane is in order of sequence and the oldest unfinished item that
 * is not parked can always run: no item waits forever, except for one that cannot run. An item that comes back to the
 * intake may be assigned after later ones. Those do not conflict with it, because otherwise they would be behind it in
 * its lane or set aside. A lane sends what is queued when it becomes free, so batches are small when idle and large under
 * load, without timers.
 */
export class Lanes {
  readonly #session: LedgerSession;
  readonly #rows: LedgerRows;
  readonly #ordering: Ordering;
  readonly #limits: LaneLimits;
  readonly #logger: Logger;
  readonly #lanes: Lane[];
  readonly #parking = new Parking(() => this.#pump());
  #setAside: Queued[] = [];
  #intake: Queued[] = [];
  readonly #coalescer = new Coalescer(
    () => this.#intake.length >= this.#limits.batchItems,
    () => (this.#isOpen ? this.#pump() : this.#open()),
  );
  #nextSequence = 0;
  #isOpen = false;
  #isStopped = false;

  constructor(
    session: LedgerSession,
    rows: LedgerRows,
    ordering: Ordering,
    limits: LaneLimits,
    logger: Logger,
  ) {
    this.#session = session;
    this.#rows = rows;
    this.#ordering = ordering;
    this.#limits = limits;
    this.#logger = logger;
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
    const waiting = this.#lanes.reduce((sum, { queue }) => sum + queue.length, this.#intake.length);
    return waiting >= HIGH_WATER_ITEMS && !wantMoreLanes(this.#lanes);
  }

  /** Items that could not run, although others could. */
  get deferred(): DeferredItem[] {
    return [...this.#parking.lanes].flatMap(({ item: { item }, deferral }) =>
      deferral === undefined ? [] : [{ entry: item.entry, deferral }],
    );
  }

  /** The outcome is as if items were applied in the order in which they are pushed. */
  push(item: WorkItem): void {
    if (this.#isStopped) {
      item.finish(PENDING);
      return;
    }
    const statement = toOrderedStatement(item.shape);
    const sequence = this.#nextSequence++;
    this.#intake.push({ item, statement, sequence, voided: 0, waitsForEarlier: false, runsAlone: false });
    this.#coalescer.pushed();
  }

  /** Items not in flight stay pending. Those in flight are answered by the session, at the latest at its deadline. */
  stop(): void {
    this.#isStopped = true;
    this.#parking.stop();
    const lanes = [...this.#lanes, ...this.#parking.lanes];
    const queued = [...this.#intake, ...this.#setAside, ...lanes.flatMap((lane) => lane.queue)];
    this.#intake = [];
    this.#setAside = [];
    for (const lane of lanes) lane.queue = [];
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
    for (const lane of this.#lanes) this.#parkIfEarly(lane);
    this.#assign();
    for (const lane of this.#lanes) this.#send(lane);
    for (const lane of this.#parking.due((parked) => !this.#mustWait(parked))) this.#send(lane);
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
    const { item } = queued;
    const earlier = this.#rows.find(item.entry, item.key);
    if (earlier !== undefined) {
      item.finish(earlier.result, earlier.row);
      return true;
    }
    // The views are known only since the pool was opened.
    const statement = orderedOnTables(queued.statement, this.#session.views);
    queued.statement = statement;
    const index = this.#ordering.laneToFollow(statement);
    const isObstructed = index === NO_LANE && this.#parking.isObstructed(statement.table);
    if (index === SET_ASIDE || isObstructed) {
      this.#ordering.assigned(statement, SET_ASIDE);
      if (isObstructed && !this.#parking.hasProbe(statement.table)) this.#parking.parkProbe(queued);
      else this.#setAside.push(queued);
      return true;
    }
    const lane = index === NO_LANE ? findFreeLane(this.#lanes) : this.#lanes[index];
    if (lane === undefined) return false;
    insertInSequence(lane.queue, queued);
    this.#ordering.assigned(statement, lane.index);
    return true;
  }

  /** An item that must wait for one that is parked or set aside must not block its lane. */
  #parkIfEarly(lane: Lane): void {
    const [first] = lane.queue;
    const isEarly = first?.waitsForEarlier === true && lane.inFlight.length === 0;
    if (!isEarly || this.#oldestHeld() > first.sequence) return;
    lane.queue.shift();
    this.#leaveLane(lane, first);
    this.#parking.parkEarly(first);
  }

  /** Takes an item out of its lane, to be parked; the items behind it are assigned again. */
  #leaveLane(lane: Lane, queued: Queued): void {
    this.#ordering.finished(queued.statement, lane.index);
    this.#reassign(lane.queue, lane.index);
    this.#reassignSetAside();
    lane.queue = [];
    this.#ordering.assigned(queued.statement, SET_ASIDE);
  }

  #reassign(items: readonly Queued[], index: number): void {
    if (items.length === 0) return;
    for (const { statement } of items) this.#ordering.finished(statement, index);
    this.#intake = [...items, ...this.#intake].sort(bySequence);
  }

  #reassignSetAside(): void {
    const items = this.#setAside;
    this.#setAside = [];
    this.#reassign(items, SET_ASIDE);
  }

  #send(lane: Lane): void {
    if (lane.inFlight.length > 0 || lane.queue.length === 0 || this.#mustWait(lane)) return;
    const batch = takeBatch(lane, this.#batchBytes());
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
    let oldest = Math.min(this.#oldestHeld(lane), this.#intake[0]?.sequence ?? Number.POSITIVE_INFINITY);
    for (const other of this.#lanes) if (other !== lane) oldest = Math.min(oldest, oldestOf(other));
    return oldest;
  }

  /** The sequence of the first item that is parked, in another lane than this one, or set aside. */
  #oldestHeld(lane?: Lane): number {
    let oldest = this.#setAside[0]?.sequence ?? Number.POSITIVE_INFINITY;
    for (const parked of this.#parking.lanes)
      if (parked !== lane) oldest = Math.min(oldest, parked.item.sequence);
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
    const result = await this.#session.run({
      entries,
      items,
      exactOrder: this.#ordering.isExact,
      ...(this.#parking.isEmpty ? {} : { lockWaitSeconds: SHORT_LOCK_WAIT_SECONDS }),
    });
    switch (result.kind) {
      case 'pending':
        this.#stayPending(batch);
        return;
      case 'void':
        this.#retryVoided(lane, batch, result.error);
        return;
      case 'split':
        for (const queued of batch) queued.runsAlone ||= result.into === 'singles';
        this.#splitInHalves(lane, batch);
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
    { key, outcome, deferred }: Extract<BatchResult, { kind: 'done' }>,
  ): void {
    const results = toWorkResults(outcome);
    const done = batch.slice(0, results.length);
    const row = this.#rows.add(key, done);
    let index = 0;
    for (const queued of done) this.#finish(lane, queued, results[index++] ?? PENDING, row);
    const rest = batch.slice(done.length);
    const [first] = rest;
    if (first !== undefined && deferred !== undefined) this.#defer(lane, first, rest.slice(1), deferred);
    else this.#retryAfterEarlier(lane, rest);
    lane.maxItems = Math.min(this.#limits.batchItems, 2 * lane.maxItems);
  }

  /** Parks an item that cannot run now. @param followers the rest of its batch */
  #defer(lane: Lane, queued: Queued, followers: readonly Queued[], deferral: Deferral): void {
    const parked = this.#parkedLane(lane);
    if (parked !== undefined) {
      this.#deferAgain(parked, deferral);
      return;
    }
    const { entry } = queued.item;
    this.#logger.warn('statement cannot run now, trying it again alone', {
      pool: this.#session.pool,
      stream: entry.stream,
      entry: entry.id,
      code: deferral.code,
      waitsFor: deferral.waitsFor ?? 'unknown',
    });
    lane.queue.unshift(...followers);
    this.#leaveLane(lane, queued);
    this.#parking.park(queued, deferral);
    if (this.#isStopped) this.stop();
  }

  #deferAgain(lane: ParkedLane, deferral: Deferral): void {
    const wasProbe = lane.isProbe;
    this.#parking.deferAgain(lane, deferral);
    const isJudged =
      deferral.waitsFor === undefined &&
      lane.attempts >= MAX_UNKNOWN_ERRORS_ALONE &&
      this.#parking.othersWereApplied(lane);
    if (isJudged) this.#fail(lane, lane.item, deferral.code, deferral.message);
    else {
      this.#putBack(lane, [lane.item]);
      if (wasProbe) this.#reassignSetAside();
    }
  }

  #parkedLane(lane: Lane): ParkedLane | undefined {
    if (lane.index !== SET_ASIDE) return undefined;
    for (const parked of this.#parking.lanes) if (parked === lane) return parked;
    return undefined;
  }

  /** The first of them failed while earlier statements were still running; it runs again once those are done. */
  #retryAfterEarlier(lane: Lane, rest: readonly Queued[]): void {
    const [first] = rest;
    if (first === undefined) return;
    first.waitsForEarlier = true;
    if (this.#parking.noteRun(first, false)) this.#reassignSetAside();
    this.#putBack(lane, rest);
  }

  /** One of them may kill the executor. Halving finds out which one, and the others proceed. */
  #retryVoided(lane: Lane, batch: readonly Queued[], error: Deferral | undefined): void {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) {
      if (error !== undefined) {
        this.#defer(lane, only, [], error);
        return;
      }
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
    else lane.queue.unshift(...batch);
  }

  #fail(lane: Lane, queued: Queued, code: string, message: string): void {
    this.#finish(lane, queued, { kind: 'failed', code, message });
    lane.maxItems = this.#limits.batchItems;
  }

  #finish(lane: Lane, queued: Queued, result: WorkResult, row?: ResultRow): void {
    const wasObstructed = this.#parking.noteRun(queued, result.kind === 'applied');
    const parked = this.#parkedLane(lane);
    if (parked !== undefined) {
      this.#parking.remove(parked);
      if (result.kind === 'applied') this.#parking.retryLike(parked);
    }
    this.#ordering.finished(queued.statement, lane.index);
    if (parked !== undefined || wasObstructed) this.#reassignSetAside();
    queued.item.finish(result, row);
  }

  /** To the ordering, the items remain unfinished: nothing that must follow them may run in this drain. */
  #stayPending(batch: readonly Queued[]): void {
    for (const { item } of batch) item.finish(PENDING);
    this.stop();
  }
}
