import { type BinaryString, copyBinary } from '../binary-string.ts';

/** More than the number of different heads that an application typically mixes within a page of entries. */
const MAX_KNOWN = 32;

/**
 * The heads of statements that were allowed before, and what was parsed from them: an application writes the same few
 * heads thousands of times. A head means the same in every statement that begins with it, because it ends between two
 * words.
 */
export class KnownHeads<Head extends { readonly head: BinaryString }> {
  /** Most recently used first. */
  readonly #known: Head[] = [];

  /** The known head that the statement begins with. */
  find(sql: BinaryString): Head | undefined {
    for (let index = 0; index < this.#known.length; index++) {
      const known = this.#known[index];
      if (known === undefined || !sql.startsWith(known.head)) continue;
      if (index > 0) this.#moveToFront(index, known);
      return known;
    }
    return undefined;
  }

  remember(head: Head): void {
    if (this.#known.some((known) => known.head === head.head)) return;
    this.#known.unshift({ ...head, head: copyBinary(head.head) });
    if (this.#known.length > MAX_KNOWN) this.#known.pop();
  }

  #moveToFront(index: number, known: Head): void {
    this.#known.splice(index, 1);
    this.#known.unshift(known);
  }
}
