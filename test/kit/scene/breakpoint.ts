/** Suspends its first caller, so that a test can act at exactly that moment, and then resumes it. */
export class Breakpoint {
  readonly #reached = Promise.withResolvers<void>();
  readonly #resumed = Promise.withResolvers<void>();
  #isUsed = false;

  /** Resolves when the first caller has reached the breakpoint. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Only the first caller waits; all later ones continue at once. */
  async pause(): Promise<void> {
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.#reached.resolve();
    await this.#resumed.promise;
  }

  resume(): void {
    this.#resumed.resolve();
  }
}
