import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_BACKOFF_MS = 25;
const MAX_BACKOFF_MS = 3000;

/** Share of the budget that is reserved for finishing entries that were read, within bounds. */
const RESERVED_SHARE = 0.15;
const MIN_RESERVE_MS = 300;
const MAX_RESERVE_MS = 8000;

/** Share of the reserve that is kept for settling after the last batch was due. */
const SETTLING_SHARE = 0.3;

/** Time for work in flight after a stop was requested. */
const GRACE_MS = 5000;

/** The time that a drain may take, divided into reading, executing and settling. */
export class DrainBudget {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #endsAt: number;
  #executeUntil: number;

  /** `signal` ends the reading early, for example when the process receives SIGTERM; work in flight is still finished. */
  constructor(budgetMs: number, signal?: AbortSignal) {
    // Even a very short budget spends half of its time reading.
    const minReserve = Math.min(MIN_RESERVE_MS, budgetMs / 2);
    const reserve = Math.min(MAX_RESERVE_MS, Math.max(minReserve, budgetMs * RESERVED_SHARE));
    this.#endsAt = Date.now() + budgetMs;
    this.#executeUntil = this.#endsAt - Math.max(minReserve / 2, reserve * SETTLING_SHARE);
    this.#timer = setTimeout(() => this.#stop.abort(), Math.max(0, budgetMs - reserve));
    if (signal?.aborted === true) this.stop();
    else signal?.addEventListener('abort', () => this.stop(), { once: true, signal: this.#stop.signal });
  }

  /** When everything must be over: milliseconds since 1970. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** When the executor must have answered: milliseconds since 1970. */
  get executeUntil(): number {
    return this.#executeUntil;
  }

  /** Aborted when no more entries may be read, early enough to finish those that were. */
  get reading(): AbortSignal {
    return this.#stop.signal;
  }

  get mayRead(): boolean {
    return !this.#stop.signal.aborted;
  }

  get mayExecute(): boolean {
    return Date.now() < this.#executeUntil;
  }

  get remainingMs(): number {
    return Math.max(0, this.#endsAt - Date.now());
  }

  /** Ends the reading now and leaves a grace period for the rest. */
  stop(): void {
    this.#executeUntil = Math.min(this.#executeUntil, Date.now() + GRACE_MS);
    this.#endsAt = Math.min(this.#endsAt, Date.now() + 2 * GRACE_MS);
    this.#stop.abort();
  }

  /** Waits before the next attempt. Ends early with the budget. */
  backOff(attempt: number): Promise<void> {
    return pause(attempt, Math.max(0, this.#executeUntil - Date.now()));
  }

  /**
   * Must be called even if the streams were empty long before: the timer keeps the process alive, and everything that
   * runs until the reading ends would run for as long as the process lives, which on Lambda is many drains.
   */
  close(): void {
    clearTimeout(this.#timer);
    this.#executeUntil = Math.min(this.#executeUntil, Date.now());
    this.#endsAt = Math.min(this.#endsAt, Date.now());
    this.#stop.abort();
  }
}

/** Exponential backoff with jitter, at most `maxMs`. */
export async function pause(attempt: number, maxMs: number): Promise<void> {
  const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt);
  await sleep(Math.min(maxMs, backoffMs * (0.5 + Math.random() / 2)));
}
