/** A request that has run for this long may be one to a MySQL pool that hangs. */
const OVERDUE_MS = 1000;

interface Waiting {
  readonly pool: string;
  readonly start: () => void;
}

/**
 * How many requests may be at the executor at once, over all MySQL pools. First come, first served; but a pool that hangs
 * must not hold up the others until the drain ends: while a request is overdue, a pool that has none there may have one
 * beyond the number.
 */
export class ConcurrencyLimit {
  #free: number;
  #overdue = 0;
  /** Requests that are at the executor, by MySQL pool. */
  readonly #running = new Map<string, number>();
  #waiting: Waiting[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` when a slot is free, and holds it meanwhile. Who pauses between two tries must not hold one. */
  async use<Result>(pool: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#mayStart(pool)) this.#take(pool);
    else await new Promise<void>((start) => this.#waiting.push({ pool, start }));
    let isOverdue = false;
    const timer = setTimeout(() => {
      isOverdue = true;
      this.#overdue++;
      this.#startWaiting();
    }, OVERDUE_MS).unref();
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      if (isOverdue) this.#overdue--;
      this.#release(pool);
    }
  }

  #mayStart(pool: string): boolean {
    return this.#free > 0 || (this.#overdue > 0 && this.#runningOf(pool) === 0);
  }

  #take(pool: string): void {
    this.#free--;
    this.#running.set(pool, this.#runningOf(pool) + 1);
  }

  #release(pool: string): void {
    this.#free++;
    this.#running.set(pool, this.#runningOf(pool) - 1);
    this.#startWaiting();
  }

  #startWaiting(): void {
    this.#waiting = this.#waiting.filter(({ pool, start }) => {
      if (!this.#mayStart(pool)) return true;
      this.#take(pool);
      start();
      return false;
    });
  }

  #runningOf(pool: string): number {
    return this.#running.get(pool) ?? 0;
  }
}
