/** Entries that must be settled in the order in which they took their tickets. */
interface Queue {
  readonly name: string;
  issued: number;
  /** How many of them are settled, from the first one on without a gap. */
  settled: number;
  /** One of them stayed pending: all that follow must stay pending too. */
  isBroken: boolean;
  /** By number: called when all earlier ones are settled, or the queue is broken. */
  readonly waiting: Map<number, () => void>;
}

interface QueuePosition {
  readonly queue: Queue;
  /** How many entries are ahead. */
  readonly number: number;
}

/** How many entries of each queue precede in the same settlement. */
export type SettledTogether = Map<unknown, number>;

/**
 * Keeps the dirty events of one entity type in stream order: an entry is settled only after the earlier ones that publish
 * events of the same type, or together with them. (Ordering by row would be enough, but a row to be inserted has no ID
 * yet.)
 */
export class SettlementOrder {
  readonly #queues = new Map<string, Queue>();
  #nextSequence = 0;

  /** Takes a ticket for each of the named queues, in the order of the calls. */
  takeTicket(names: ReadonlySet<string>): SettlementTicket {
    const positions = Array.from(names, (name) => {
      const queue = this.#queue(name);
      return { queue, number: queue.issued++ };
    });
    return new SettlementTicket(this.#nextSequence++, positions);
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { name, issued: 0, settled: 0, isBroken: false, waiting: new Map() };
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

export class SettlementTicket {
  /** In the order in which tickets were taken. */
  readonly sequence: number;
  readonly #positions: readonly QueuePosition[];
  #isSettled = false;

  constructor(sequence: number, positions: readonly QueuePosition[]) {
    this.sequence = sequence;
    this.#positions = positions;
  }

  /** Names of its queues. */
  get names(): readonly string[] {
    return this.#positions.map(({ queue }) => queue.name);
  }

  get isBroken(): boolean {
    return this.#positions.some(({ queue }) => queue.isBroken);
  }

  /** True if all entries ahead are settled or in `ahead`; if so, this one is added to `ahead`. */
  follows(ahead: SettledTogether): boolean {
    const isNext = this.#positions.every(
      ({ queue, number }) => queue.settled + (ahead.get(queue) ?? 0) === number,
    );
    if (isNext) for (const { queue } of this.#positions) ahead.set(queue, (ahead.get(queue) ?? 0) + 1);
    return isNext;
  }

  /** Resolves once all entries ahead are settled; with false if one of them stayed pending. */
  async turn(): Promise<boolean> {
    for (const { queue, number } of this.#positions) {
      if (queue.isBroken) return false;
      if (queue.settled < number) await new Promise<void>((resolve) => queue.waiting.set(number, resolve));
    }
    return !this.isBroken;
  }

  settled(): void {
    this.#isSettled = true;
    for (const { queue, number } of this.#positions) {
      queue.settled = number + 1;
      queue.waiting.get(queue.settled)?.();
      queue.waiting.delete(queue.settled);
    }
  }

  /** The entry is over. If it is not settled it keeps its position, so that nothing overtakes it in this drain. */
  leave(): void {
    if (this.#isSettled) return;
    for (const { queue } of this.#positions) {
      queue.isBroken = true;
      for (const resolve of queue.waiting.values()) resolve();
      queue.waiting.clear();
    }
  }
}
