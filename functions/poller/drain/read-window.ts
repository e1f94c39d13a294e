/** In one page: a large entry that is held keeps all of its page in memory. */
const MAX_PAGE_BYTES = 8 << 20;

/** Entries that were read and are not settled, bounded so that memory stays flat however long the backlog is. */
export class ReadWindow {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #page: number;
  readonly #isSaturated: () => boolean;
  #entries = 0;
  #bytes = 0;
  #onChange: (() => void) | undefined;

  /** `isSaturated`: whether what has begun is enough for now. */
  constructor(
    most: { readonly entries: number; readonly bytes: number; readonly page: number },
    isSaturated: () => boolean,
  ) {
    this.#maxEntries = most.entries;
    this.#maxBytes = most.bytes;
    this.#page = most.page;
    this.#isSaturated = isSaturated;
  }

  get count(): number {
    return this.#entries;
  }

  /** How much may be read now. */
  get room(): { readonly entries: number; readonly bytes: number } {
    return {
      entries: Math.min(this.#page, this.#maxEntries - this.#entries),
      bytes: Math.min(MAX_PAGE_BYTES, this.#maxBytes - this.#bytes),
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

  /** To be called when `isSaturated` may have changed without an entry having been removed. */
  reconsider(): void {
    this.#onChange?.();
  }

  /** Whether there is room for a good part of a page. */
  get hasRoom(): boolean {
    const { entries, bytes } = this.room;
    return entries >= this.#page / 2 && bytes > 0;
  }

  /** Resolves when there is. */
  waitForRoom(): Promise<void> {
    return this.#until(() => this.hasRoom);
  }

  /** Resolves when more of what was read is to be begun. */
  waitForDemand(): Promise<void> {
    return this.#until(() => !this.#isSaturated());
  }

  /** Resolves when nothing is held. */
  empty(): Promise<void> {
    return this.#until(() => this.#entries === 0);
  }

  /** One waits at a time: the stream's own loop. */
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
