/**
 * Coalesces calls: runs a function in the first event-loop turn without a push, so that items pushed in portions are all
 * there before the first batch is cut; or earlier, once there are enough. It needs no timer: if nothing else is pushed,
 * it runs two turns later.
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
    setImmediate(() => this.#check());
  }

  #check(): void {
    if (this.#isPushed && !this.#isEnough()) {
      this.#isPushed = false;
      setImmediate(() => this.#check());
      return;
    }
    this.#isScheduled = false;
    this.#run();
  }
}
