import type { StreamEntry } from '../../oracle/stream-entry.ts';
import type { LazyEvent, logValue } from './lazy-event.ts';
import { encode } from './messagepack.ts';
import type { Random } from './random.ts';

const FIRST_MS = 1_700_000_000_000;

/** Collects the entries of a history. An entry of the lazy stream and one of the log stream can have the same id. */
export class HistoryWriter {
  readonly entries: StreamEntry[] = [];
  readonly #random: Random;
  #ms = FIRST_MS;
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  lazy(event: LazyEvent): void {
    this.raw('orm-lazy-channel', { s: event.encode() });
  }

  log(value: ReturnType<typeof logValue>): void {
    this.raw('orm-log-channel', { s: encode(value) });
  }

  raw(stream: string, fields: Record<string, Buffer>): void {
    const tags = this.#random.chance(0.03) ? { tag: Buffer.from('own') } : {};
    this.entries.push({ pool: 'default', stream, id: this.#nextId(stream), fields: { ...fields, ...tags } });
  }

  #nextId(stream: string): string {
    const last = this.entries.findLast((entry) => entry.stream === stream)?.id;
    if (last === `${this.#ms}-${this.#sequence}` || this.#random.chance(0.5)) this.#advance();
    return `${this.#ms}-${this.#sequence}`;
  }

  #advance(): void {
    if (this.#random.chance(0.3)) this.#sequence += 1;
    else {
      this.#ms += this.#random.integer(1, 5);
      this.#sequence = 0;
    }
  }
}
