import type { Delivery } from './delivery.ts';

export interface BatchLimits {
  readonly batchSize: number;
  readonly batchBytes: number;
  readonly windowMs: number;
}

interface Waiting {
  readonly delivery: Delivery;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/**
 * Deliveries that wait for their invocation. Of those with an equal order key only the first is in hand at a time, from
 * `add` until `release`; the others stand in line behind it.
 */
export class DeliveryQueue {
  readonly #limits: BatchLimits;
  readonly #now: () => number;
  /** To be invoked exactly so: halves of a batch, and batches that are tried again. */
  readonly #whole: Delivery[][] = [];
  #ready: Waiting[] = [];
  #readyBytes = 0;
  #isFlushing = false;
  /** By order key: who comes after the one in hand. */
  readonly #lines = new Map<string, Delivery[]>();
  readonly #leftKeys = new Set<string>();

  constructor(limits: BatchLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** False: it must stay pending, as one before it in its line does. */
  add(delivery: Delivery): boolean {
    const { orderKey } = delivery;
    if (orderKey !== undefined) {
      if (this.#leftKeys.has(orderKey)) return false;
      const line = this.#lines.get(orderKey);
      if (line !== undefined) {
        line.push(delivery);
        return true;
      }
      this.#lines.set(orderKey, []);
    }
    this.addAgain(delivery);
    return true;
  }

  /** To be tried again, in company: it is still in hand. */
  addAgain(delivery: Delivery): void {
    this.#ready.push({ delivery, since: this.#now() });
    this.#readyBytes += delivery.bytes;
  }

  /** To be invoked together and with nobody else. */
  addWhole(batch: Delivery[]): void {
    this.#whole.push(batch);
  }

  /** The delivery is settled: the next one in its line may go. */
  release({ orderKey }: Delivery): void {
    if (orderKey === undefined) return;
    const next = this.#lines.get(orderKey)?.shift();
    if (next === undefined) this.#lines.delete(orderKey);
    else this.addAgain(next);
  }

  /** The delivery stays pending: takes out those in its line, which must stay so too. */
  leaveLine({ orderKey }: Delivery): Delivery[] {
    if (orderKey === undefined) return [];
    const line = this.#lines.get(orderKey) ?? [];
    this.#lines.delete(orderKey);
    this.#leftKeys.add(orderKey);
    return line;
  }

  /** From now on nothing waits for company. */
  flush(): void {
    this.#isFlushing = true;
  }

  /** The next batch, where one is due. */
  take(): Delivery[] | undefined {
    const whole = this.#whole.shift();
    if (whole !== undefined) return whole;
    if (this.dueInMs() !== 0) return undefined;
    const count = this.#countOfBatch();
    const batch = this.#ready.slice(0, count).map(({ delivery }) => delivery);
    this.#ready = this.#ready.slice(count);
    this.#readyBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
    return batch;
  }

  /** When a batch is due, in milliseconds: 0 now, undefined never as things stand. */
  dueInMs(): number | undefined {
    if (this.#whole.length > 0) return 0;
    const [first] = this.#ready;
    if (first === undefined) return undefined;
    const { batchSize, batchBytes, windowMs } = this.#limits;
    const isFull = this.#ready.length >= batchSize || this.#readyBytes >= batchBytes;
    if (isFull || this.#isFlushing || first.delivery.isSuspect) return 0;
    return Math.max(0, first.since + windowMs - this.#now());
  }

  /** Takes out all that waits. */
  leaveAll(): Delivery[] {
    const left = [
      ...this.#whole.splice(0).flat(),
      ...this.#ready.splice(0).map(({ delivery }) => delivery),
      ...[...this.#lines.values()].flatMap((line) => line.splice(0)),
    ];
    this.#readyBytes = 0;
    return left;
  }

  #countOfBatch(): number {
    const { batchSize, batchBytes } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { delivery } of this.#ready) {
      bytes += delivery.bytes;
      if (count >= batchSize || bytes > batchBytes || delivery.isSuspect) break;
      count++;
    }
    // One that is longer than a batch may be, and one that may kill the process, go alone.
    return Math.max(1, count);
  }
}
