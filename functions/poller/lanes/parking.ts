import type { Deferral } from '../../../shared/protocol.ts';
import type { Lane, Queued } from './lane.ts';
import { SET_ASIDE } from './lane-counts.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

/** Probes of one table follow each other at most this quickly. */
const MAX_PROBE_PAUSE_MS = 1000;
const FIRST_PROBE_PAUSE_MS = 50;

/** Attempts in flight: each may hold a request for as long as a lock is waited for. */
const MAX_ATTEMPTS_IN_FLIGHT = 2;

/** Statements on one table, none of which could run now, after which others on the table are set aside too. */
const MAX_CONSECUTIVE_DEFERRALS = 3;

/** The lane of one parked item: it sends the item alone. */
export interface ParkedLane extends Lane {
  readonly item: Queued;
  /** True until it was tried: see {@link Parking}. */
  isProbe: boolean;
  /** Why the item could not run when it was last tried; undefined if it was not tried. */
  deferral: Deferral | undefined;
  /** How often the item could not run when it was alone. */
  attempts: number;
  /** When to try it again: milliseconds since 1970. */
  dueAt: number;
  /** How many statements had been applied when the item was parked. */
  readonly appliedBefore: number;
}

/**
 * The items that cannot run now. Each is tried alone, at growing intervals.
 *
 * If several statements in a row on one table cannot run (it is locked, full or read-only), every further one would cost
 * the batches that it is in a lock wait. Such a table is *obstructed* until one of its statements is applied: only one of
 * its statements at a time, the *probe*, is tried, alone.
 */
export class Parking {
  readonly #lanes = new Set<ParkedLane>();
  /** By table: how many statements in a row could not run, if any. */
  readonly #deferrals = new Map<string, number>();
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #applied = 0;

  /** @param onDue called when an item should be tried again */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  get lanes(): ReadonlySet<ParkedLane> {
    return this.#lanes;
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Parks an item that could not run. */
  park(item: Queued, deferral: Deferral): void {
    this.#add(item, pauseAfter(0), { deferral });
    this.#countDeferral(item);
  }

  parkProbe(item: Queued): void {
    this.#add(item, this.#probePause(item), { isProbe: true });
  }

  /** Parks an item that must only wait for earlier ones. */
  parkEarly(item: Queued): void {
    this.#add(item, 0, {});
  }

  /** The item could not run, alone. */
  deferAgain(lane: ParkedLane, deferral: Deferral): void {
    if (lane.deferral === undefined) this.#countDeferral(lane.item);
    lane.deferral = deferral;
    lane.isProbe = false;
    lane.attempts++;
    lane.dueAt = Date.now() + pauseAfter(lane.attempts);
  }

  /** True if other statements were applied since the item was parked, so the server is not to blame. */
  othersWereApplied(lane: ParkedLane): boolean {
    return this.#applied > lane.appliedBefore;
  }

  remove(lane: ParkedLane): void {
    this.#lanes.delete(lane);
  }

  /** @returns true if the statement's table was obstructed until now */
  noteRun({ statement }: Queued, isApplied: boolean): boolean {
    if (isApplied) this.#applied++;
    if (this.#deferrals.size === 0) return false;
    const wasObstructed = this.isObstructed(statement.table);
    this.#deferrals.delete(statement.table);
    return wasObstructed;
  }

  isObstructed(table: string): boolean {
    return (this.#deferrals.get(table) ?? 0) >= MAX_CONSECUTIVE_DEFERRALS;
  }

  hasProbe(table: string): boolean {
    for (const { item, isProbe } of this.#lanes) if (isProbe && item.statement.table === table) return true;
    return false;
  }

  /** What the item waited for may be over for others too. */
  retryLike({ deferral, item }: ParkedLane): void {
    for (const lane of this.#lanes) {
      const isLike = lane.deferral?.code === deferral?.code;
      if (isLike && lane.item.statement.table === item.statement.table) lane.dueAt = 0;
    }
  }

  /** The lanes to send now. Sets a timer for the next one. */
  due(mayRun: (lane: ParkedLane) => boolean): ParkedLane[] {
    clearTimeout(this.#timer);
    if (this.#lanes.size === 0) return [];
    const idle = [...this.#lanes].filter(({ inFlight }) => inFlight.length === 0);
    const free = MAX_ATTEMPTS_IN_FLIGHT - (this.#lanes.size - idle.length);
    const waiting = free > 0 ? idle.filter(mayRun) : [];
    waiting.sort((one, other) => one.dueAt - other.dueAt);
    const now = Date.now();
    const due = waiting.filter(({ dueAt }) => dueAt <= now).slice(0, free);
    const next = waiting[due.length];
    if (next !== undefined && due.length < free) this.#timer = setTimeout(this.#onDue, next.dueAt - now);
    return due;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #add(item: Queued, pauseMs: number, facts: { deferral?: Deferral; isProbe?: boolean }): void {
    this.#lanes.add({
      index: SET_ASIDE,
      queue: [item],
      inFlight: [],
      sentAt: 0,
      maxItems: 1,
      item,
      deferral: facts.deferral,
      isProbe: facts.isProbe === true,
      attempts: 0,
      dueAt: Date.now() + pauseMs,
      appliedBefore: this.#applied,
    });
  }

  #countDeferral({ statement }: Queued): void {
    this.#deferrals.set(statement.table, (this.#deferrals.get(statement.table) ?? 0) + 1);
  }

  #probePause({ statement }: Queued): number {
    const more = (this.#deferrals.get(statement.table) ?? 0) - MAX_CONSECUTIVE_DEFERRALS;
    return more < 0 ? 0 : Math.min(MAX_PROBE_PAUSE_MS, FIRST_PROBE_PAUSE_MS * 2 ** more);
  }
}

/** Twice as long after each attempt, up to a limit, and random by a quarter. */
function pauseAfter(attempts: number): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts) * (0.75 + Math.random() / 2);
}
