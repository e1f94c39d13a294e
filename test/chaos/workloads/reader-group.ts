import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Difference } from '../../kit/difference.ts';

const repliesSchema = z
  .tuple([z.tuple([z.string(), z.array(z.tuple([z.string(), z.array(z.string())]))])])
  .nullable();

/**
 * A group that the test reads itself. Its entries carry the numbers 0, 1, 2, … in the field `number`, so that the group
 * notices entries that were trimmed before it has read or acknowledged them.
 */
export class ReaderGroup {
  readonly #stream: string;
  readonly #group: string;
  /** Entries that are read and not acknowledged: number by id. */
  readonly #open = new Map<string, number>();
  readonly #lost = new Set<number>();
  #next = 0;

  constructor(stream: string, group: string) {
    this.#stream = stream;
    this.#group = group;
  }

  async read(redis: Redis, count: number): Promise<void> {
    if (count === 0) return;
    const reply = await redis.xreadgroup(
      'GROUP',
      this.#group,
      'reader',
      'COUNT',
      count,
      'STREAMS',
      this.#stream,
      '>',
    );
    const [[, entries] = ['', []]] = repliesSchema.parse(reply) ?? [];
    for (const [id, [, text]] of entries) {
      const number = Number(text);
      for (let missed = this.#next; missed < number; missed++) this.#lost.add(missed);
      this.#next = number + 1;
      this.#open.set(id, number);
    }
  }

  /** Acknowledges the open entries whose number is chosen. They must still be in the stream. */
  async acknowledge(redis: Redis, isChosen: (number: number) => boolean): Promise<void> {
    const chosen = [...this.#open].filter(([, number]) => isChosen(number));
    if (chosen.length === 0) return;
    const found = await Promise.all(chosen.map(([id]) => redis.xrange(this.#stream, id, id)));
    for (const [index, [id, number]] of chosen.entries()) {
      if (found[index]?.length !== 1) this.#lost.add(number);
      this.#open.delete(id);
    }
    // As one list: spread out, the entries of a long campaign would overflow the stack.
    await redis.call('XACK', [this.#stream, this.#group, ...chosen.map(([id]) => id)]);
  }

  /** Entries that the group has missed. By now it should have read the first `count` entries. */
  differences(count: number): Difference[] {
    for (let missed = this.#next; missed < count; missed++) this.#lost.add(missed);
    return [...this.#lost].map((number) => ({
      kind: 'lost',
      what: `entry ${number} of ${this.#stream}, for group ${this.#group}`,
    }));
  }
}
