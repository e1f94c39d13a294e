/** Successes in a row after which one more invocation may be in flight. */
const WIDEN_AFTER = 20;

/**
 * Lets a number of invocations through at once. Lambda's throttling halves the number, and successes widen it again by
 * and by: a function that is reserved to fewer environments than we have lanes is not asked in vain again and again.
 */
export class InvocationGate {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #inFlight = 0;
  #successes = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = most;
  }

  /** How many may be in flight now. */
  get limit(): number {
    return this.#limit;
  }

  /** Call `leave` afterwards. */
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
    if (this.#limit === this.#most) return;
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
