/** A request that has run for this long may have met a MySQL pool that hangs. */
const OVERDUE_MS = 1000;

interface Waiting {
  readonly pool: string;
  readonly start: () => void;
}

/**
 * Limits how many executor requests are in flight over all MySQL pools. First come, first served. A pool that hangs must
 * not block the others until the drain ends: while a request is overdue, a pool without a request in flight may start one
 * beyond the limit.
 */
export class ConcurrencyLimit {
  #free: number;
  #overdue = 0;
  /** Requests in flight, by MySQL pool. */
  readonly #running = new Map<string, number>();
  #waiting: Waiting[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Runs `request` once the limit allows it. `request` must not pause between attempts: it holds its place. */
  async run<Result>(pool: string, request: () => Promise<Result>): Promise<Result> {
    if (this.#mayStart(pool)) this.#take(pool);
    else await new Promise<void>((start) => this.#waiting.push({ pool, start }));
    let isOverdue = false;
    const timer = setTimeout(() => {
      isOverdue = true;
      this.#overdue++;
      this.#startWaiting();
    }, OVERDUE_MS).unref();
    try {
      return await request();
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
