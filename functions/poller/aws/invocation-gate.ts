/** Number of consecutive successes after which the limit rises by one. */
const WIDEN_AFTER = 20;

/**
 * Limits the number of concurrent invocations. Throttling by Lambda halves the limit, and successes raise it again step by
 * step. Otherwise a function with less reserved concurrency than we have lanes would be throttled again and again.
 */
export class InvocationGate {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #inFlight = 0;
  #successes = 0;

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  /** Current maximum number of invocations in flight. */
  get limit(): number {
    return this.#limit;
  }

  /** Waits until an invocation may start. Call `leave` after it. */
  async enter(): Promise<void> {
    while (this.#inFlight >= this.#limit) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#inFlight++;
  }

  leave(): void {
    this.#inFlight--;
    this.#wake();
  }

  throttled(): void {
    this.#successes = 0;
    this.#limit = Math.max(1, Math.floor(Math.min(this.#limit, this.#inFlight) / 2));
  }

  succeeded(): void {
    if (this.#limit === this.#max) return;
    this.#successes++;
    if (this.#successes < WIDEN_AFTER) return;
    this.#successes = 0;
    this.#limit++;
    this.#wake();
  }

  #wake(): void {
    const free = Math.max(0, this.#limit - this.#inFlight);
    for (const resolve of this.#waiting.splice(0, free)) resolve();
  }
}
