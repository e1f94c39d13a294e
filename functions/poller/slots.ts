/** How many batches may be in flight at once, over all MySQL pools. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot where one is free. Where none is, `retry` is called once when one may be. */
  tryTake(retry: () => void): boolean {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    this.#waiting.push(retry);
    return false;
  }

  release(): void {
    this.#free++;
    this.#waiting.shift()?.();
  }
}
