/** Lets entries run beside each other, but for one that must run alone: it waits for all others, and they for it. */
export class SharedLock {
  #running = 0;
  #alone: Promise<void> = Promise.resolve();
  #onIdle: (() => void) | undefined;

  /** Resolves when nothing runs alone. Call `begin` in the same turn. */
  async shared(): Promise<void> {
    let seen: Promise<void>;
    do {
      seen = this.#alone;
      await seen;
    } while (seen !== this.#alone);
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    this.#running--;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Runs `work` while nothing else runs. */
  async alone(work: () => Promise<void>): Promise<void> {
    const before = this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      await before;
      await this.#idle();
      await work();
    } finally {
      resolve();
    }
  }

  #idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = undefined;
        resolve();
      };
    });
  }
}
