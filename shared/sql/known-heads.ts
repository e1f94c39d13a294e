import { type BinaryString, binaryToBytes, bytesToBinary } from '../binary-string.ts';

/** More than the statements that an application mixes within a page of entries. */
const MAX_KNOWN = 32;

/**
 * The beginnings of statements that were judged before, with what was read of them: an application writes the same few
 * thousands of times. What stands in a head was let through once, and means the same in every statement that begins
 * with it, for heads end between two words.
 */
export class KnownHeads<Head extends { readonly head: BinaryString }> {
  /** The most recent first. */
  readonly #known: Head[] = [];

  /** The head that the statement begins with. */
  find(sql: BinaryString): Head | undefined {
    for (let place = 0; place < this.#known.length; place++) {
      const known = this.#known[place];
      if (known === undefined || !sql.startsWith(known.head)) continue;
      if (place > 0) this.#moveToFront(place, known);
      return known;
    }
    return undefined;
  }

  remember(head: Head): void {
    if (this.#known.some((known) => known.head === head.head)) return;
    // A copy: a slice would keep its whole statement in memory.
    this.#known.unshift({ ...head, head: bytesToBinary(binaryToBytes(head.head)) });
    if (this.#known.length > MAX_KNOWN) this.#known.pop();
  }

  #moveToFront(place: number, known: Head): void {
    this.#known.splice(place, 1);
    this.#known.unshift(known);
  }
}
