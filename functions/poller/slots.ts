/** How many batches may be in flight at once, over all MySQL pools. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot where one is free. Where none is, `retry` is called when one may be; the same function waits once. */
  tryTake(retry: () => void): boolean {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    this.#waiting.add(retry);
    return false;
  }

  /** All who wait are asked, the longest waiting first: the first of them may have nothing to send any more. */
  release(): void {
    this.#free++;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const retry of waiting) retry();
  }
}
