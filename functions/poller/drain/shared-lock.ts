/** Lets entries run concurrently, except one that must run exclusively: it waits for all others, and they wait for it. */
export class SharedLock {
  #holders = 0;
  #exclusive: Promise<void> = Promise.resolve();
  #onFree: (() => void) | undefined;
  #wanted = 0;

  /** True while something runs exclusively, or waits for that. */
  get isWanted(): boolean {
    return this.#wanted > 0;
  }

  /** Resolves when nothing runs exclusively. Call `acquire` before yielding to the event loop again. */
  async waitUntilShared(): Promise<void> {
    let seen: Promise<void>;
    do {
      seen = this.#exclusive;
      await seen;
    } while (seen !== this.#exclusive);
  }

  acquire(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#onFree?.();
  }

  /** Runs `task` while nothing else runs. */
  async runExclusively(task: () => Promise<void>): Promise<void> {
    const previous = this.#exclusive;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    this.#wanted++;
    try {
      await previous;
      await this.#untilFree();
      await task();
    } finally {
      this.#wanted--;
      resolve();
    }
  }

  #untilFree(): Promise<void> {
    if (this.#holders === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onFree = () => {
        this.#onFree = undefined;
        resolve();
      };
    });
  }
}
