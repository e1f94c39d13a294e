/**
 * Calls a function in the first turn without a push, so that what is pushed in portions is there before the first batch is
 * cut; at the latest when there is enough. No timer: where nothing else comes, that is the turn after the next.
 */
export class Coalescer {
  readonly #isEnough: () => boolean;
  readonly #run: () => void;
  #isScheduled = false;
  #isPushed = false;

  constructor(isEnough: () => boolean, run: () => void) {
    this.#isEnough = isEnough;
    this.#run = run;
  }

  pushed(): void {
    this.#isPushed = true;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#look());
  }

  #look(): void {
    if (this.#isPushed && !this.#isEnough()) {
      this.#isPushed = false;
      setImmediate(() => this.#look());
      return;
    }
    this.#isScheduled = false;
    this.#run();
  }
}
