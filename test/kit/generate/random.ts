/** A seeded source of choices: the same seed, the same choices. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2³²-1, by mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** Both ends included. */
  integer(min: number, max: number): number {
    return min + (this.next() % (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability;
  }

  /** @throws {Error} where there is nothing to pick */
  pick<T>(items: readonly T[]): T {
    const item = this.maybePick(items);
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  maybePick<T>(items: readonly T[]): T | undefined {
    return items[this.integer(0, Math.max(0, items.length - 1))];
  }

  /** By weight. */
  pickWeighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.integer(
      1,
      items.reduce((sum, [weight]) => sum + weight, 0),
    );
    const chosen = items.find(([weight]) => {
      left -= weight;
      return left <= 0;
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
