/** A line of entries that must be settled in the order in which they entered it. */
interface Line {
  readonly name: string;
  entered: number;
  /** How many of them are settled: from the first one on, without a gap. */
  settled: number;
  /** One of them was left pending: whoever comes after it must be left too. */
  isBroken: boolean;
  /** By ticket: who waits until all before it are settled, or the line is broken. */
  readonly waiting: Map<number, () => void>;
}

interface Ticket {
  readonly line: Line;
  /** How many stand before it. */
  readonly number: number;
}

/** How many entries of each line are ahead in the same settlement. */
export type SettledTogether = Map<unknown, number>;

/**
 * Keeps the dirty events of one entity type in the order of the stream: an entry is settled only after the earlier ones
 * that publish events of the same type, or together with them. (By row would be enough, but a row to come has no id yet.)
 */
export class SettlementOrder {
  readonly #lines = new Map<string, Line>();
  #nextSequence = 0;

  /** Takes a place in each of the lines, in the order of the calls. */
  enter(names: ReadonlySet<string>): SettlementTicket {
    const tickets = Array.from(names, (name) => {
      const line = this.#line(name);
      return { line, number: line.entered++ };
    });
    return new SettlementTicket(this.#nextSequence++, tickets);
  }

  #line(name: string): Line {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { name, entered: 0, settled: 0, isBroken: false, waiting: new Map() };
      this.#lines.set(name, line);
    }
    return line;
  }
}

export class SettlementTicket {
  /** In the order of entering. */
  readonly sequence: number;
  readonly #tickets: readonly Ticket[];
  #isSettled = false;

  constructor(sequence: number, tickets: readonly Ticket[]) {
    this.sequence = sequence;
    this.#tickets = tickets;
  }

  get names(): readonly string[] {
    return this.#tickets.map(({ line }) => line.name);
  }

  get isBroken(): boolean {
    return this.#tickets.some(({ line }) => line.isBroken);
  }

  /** Whether all before it are settled or among those ahead; it is then one of them. */
  follows(ahead: SettledTogether): boolean {
    const isNext = this.#tickets.every(
      ({ line, number }) => line.settled + (ahead.get(line) ?? 0) === number,
    );
    if (isNext) for (const { line } of this.#tickets) ahead.set(line, (ahead.get(line) ?? 0) + 1);
    return isNext;
  }

  /** Resolves once all before it are settled: with false where one of them was left. */
  async turn(): Promise<boolean> {
    for (const { line, number } of this.#tickets) {
      if (line.isBroken) return false;
      if (line.settled < number) await new Promise<void>((resolve) => line.waiting.set(number, resolve));
    }
    return !this.isBroken;
  }

  settled(): void {
    this.#isSettled = true;
    for (const { line, number } of this.#tickets) {
      line.settled = number + 1;
      line.waiting.get(line.settled)?.();
      line.waiting.delete(line.settled);
    }
  }

  /** The entry is over. One that is not settled stays in line, so that nothing overtakes it in this drain. */
  leave(): void {
    if (this.#isSettled) return;
    for (const { line } of this.#tickets) {
      line.isBroken = true;
      for (const resolve of line.waiting.values()) resolve();
      line.waiting.clear();
    }
  }
}
