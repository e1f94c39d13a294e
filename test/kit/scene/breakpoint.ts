/** Holds one passer up: the test waits until somebody stands at the gate, does something, and lets it through. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  #isUsed = false;

  /** Resolves when somebody stands at the gate. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Only the first passer is held up. */
  async pass(): Promise<void> {
    if (this.#isUsed) return;
    this.#isUsed = true;
    this.#reached.resolve();
    await this.#opened.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}
