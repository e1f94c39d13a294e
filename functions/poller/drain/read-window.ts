import type { WindowLimits } from '../channels/channel.ts';

/** Limit for one page: while any of its entries is being handled, the whole page stays in memory. */
const MAX_PAGE_BYTES = 8 << 20;

/** Bounds the entries that were read and are not settled, so that memory stays flat however long the backlog is. */
export class ReadWindow {
  readonly #limits: WindowLimits;
  readonly #isSaturated: () => boolean;
  #entries = 0;
  #bytes = 0;
  #onChange: (() => void) | undefined;

  /** `isSaturated`: whether the entries that were started are enough for now. */
  constructor(limits: WindowLimits, isSaturated: () => boolean) {
    this.#limits = limits;
    this.#isSaturated = isSaturated;
  }

  /** How much may be read now. */
  get room(): { readonly entries: number; readonly bytes: number } {
    const { entries, bytes, page } = this.#limits;
    return {
      entries: Math.min(page, entries - this.#entries),
      bytes: Math.min(MAX_PAGE_BYTES, bytes - this.#bytes),
    };
  }

  add(bytes: number): void {
    this.#entries++;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#entries--;
    this.#bytes -= bytes;
    this.#onChange?.();
  }

  /** Call this when `isSaturated` may have changed although no entry was removed. */
  recheck(): void {
    this.#onChange?.();
  }

  /** True if there is room for at least half a page. */
  get hasRoom(): boolean {
    const { entries, bytes } = this.room;
    return entries >= this.#limits.page / 2 && bytes > 0;
  }

  waitForRoom(): Promise<void> {
    return this.#until(() => this.hasRoom);
  }

  /** Resolves when more of the entries that were read should be started. */
  waitForDemand(): Promise<void> {
    return this.#until(() => !this.#isSaturated());
  }

  /** Resolves when all entries are settled or stay pending. */
  waitUntilEmpty(): Promise<void> {
    return this.#until(() => this.#entries === 0);
  }

  /** Only one caller waits at a time: the stream's own loop. */
  #until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (!isReached()) return;
        this.#onChange = undefined;
        resolve();
      };
    });
  }
}
