/** A seeded pseudo-random source: the same seed gives the same choices. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer from 0 to 2³²-1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Both ends are inclusive. */
  integer(min: number, max: number): number {
    return min + (this.next() % (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability;
  }

  /** @throws {Error} if the list is empty */
  pick<T>(items: readonly T[]): T {
    const item = this.maybePick(items);
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  maybePick<T>(items: readonly T[]): T | undefined {
    return items[this.integer(0, Math.max(0, items.length - 1))];
  }

  /** Picks an item with a probability in proportion to its weight. */
  pickWeighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let remaining = this.integer(
      1,
      items.reduce((sum, [weight]) => sum + weight, 0),
    );
    const chosen = items.find(([weight]) => {
      remaining -= weight;
      return remaining <= 0;
    });
    return this.pick(chosen === undefined ? [] : [chosen[1]]);
  }

  shuffled<T>(items: readonly T[]): T[] {
    const keyed = items.map((item) => ({ item, key: this.next() }));
    return keyed.toSorted((one, other) => one.key - other.key).map(({ item }) => item);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.integer(0, 255)));
  }
}
