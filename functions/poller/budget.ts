import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_BACKOFF_MS = 25;
const MAX_BACKOFF_MS = 3000;

/** Share of the budget that is kept for finishing what was read, within bounds. */
const RESERVED_SHARE = 0.15;
const MIN_RESERVE_MS = 300;
const MAX_RESERVE_MS = 8000;

/** Of the reserve, what is kept for settling after the last batch was due; of a short budget half. */
const SETTLING_SHARE = 0.3;

/** What a drain that was told to stop may still take for what is in flight. */
const GRACE_MS = 5000;

/** The time a drain may take, and the word to stop before. */
export class DrainBudget {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #endsAt: number;
  #executeUntil: number;

  /** `signal` ends the reading early, as when the process was told to end; what is in flight is finished all the same. */
  constructor(budgetMs: number, signal?: AbortSignal) {
    // Of a very short budget half is for reading all the same.
    const least = Math.min(MIN_RESERVE_MS, budgetMs / 2);
    const reserve = Math.min(MAX_RESERVE_MS, Math.max(least, budgetMs * RESERVED_SHARE));
    this.#endsAt = Date.now() + budgetMs;
    this.#executeUntil = this.#endsAt - Math.max(least / 2, reserve * SETTLING_SHARE);
    this.#timer = setTimeout(() => this.#stop.abort(), Math.max(0, budgetMs - reserve));
    if (signal?.aborted === true) this.stop();
    else signal?.addEventListener('abort', () => this.stop(), { once: true, signal: this.#stop.signal });
  }

  /** When all must be over: milliseconds since 1970. */
  get endsAt(): number {
    return this.#endsAt;
  }

  /** When the executor must have answered. */
  get executeUntil(): number {
    return this.#executeUntil;
  }

  /** Aborted when no more entries are to be read, early enough to finish what was read. */
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

  /** Ends the reading now, and leaves a grace for the rest. */
  stop(): void {
    this.#executeUntil = Math.min(this.#executeUntil, Date.now() + GRACE_MS);
    this.#endsAt = Math.min(this.#endsAt, Date.now() + 2 * GRACE_MS);
    this.#stop.abort();
  }

  /** Waits before the next try. Ends early with the budget. */
  backOff(attempt: number): Promise<void> {
    return pause(attempt, Math.max(0, this.#executeUntil - Date.now()));
  }

  /**
   * Must be called, also where the streams were empty long before: the timer keeps the process alive, and whoever does
   * something until the reading ends would do it for as long as the process lives, which in Lambda is many drains.
   */
  close(): void {
    clearTimeout(this.#timer);
    this.#executeUntil = Math.min(this.#executeUntil, Date.now());
    this.#endsAt = Math.min(this.#endsAt, Date.now());
    this.#stop.abort();
  }
}

/** Longer with each attempt, never quite as long as others do, and not beyond `maxMs`. */
export async function pause(attempt: number, maxMs: number): Promise<void> {
  const longest = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempt);
  await sleep(Math.min(maxMs, longest * (0.5 + Math.random() / 2)));
}
