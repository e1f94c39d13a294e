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
 * Deliveries that wait for their invocation. Only one delivery per order key is active at a time, from `add` until
 * `release`; the others with that key are queued behind it.
 */
export class DeliveryQueue {
  readonly #limits: BatchLimits;
  readonly #now: () => number;
  /** Batches to invoke unchanged: halves of a failed batch, and retried batches. */
  readonly #fixedBatches: Delivery[][] = [];
  #ready: Waiting[] = [];
  #readyBytes = 0;
  #isFlushing = false;
  /** By order key: the deliveries queued behind the active one. */
  readonly #queues = new Map<string, Delivery[]>();
  /** Order keys with a delivery that stays pending. */
  readonly #pendingKeys = new Set<string>();

  constructor(limits: BatchLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Returns false if the delivery must stay pending because an earlier one with the same order key does. */
  add(delivery: Delivery): boolean {
    const { orderKey } = delivery;
    if (orderKey !== undefined) {
      if (this.#pendingKeys.has(orderKey)) return false;
      const queue = this.#queues.get(orderKey);
      if (queue !== undefined) {
        queue.push(delivery);
        return true;
      }
      this.#queues.set(orderKey, []);
    }
    this.requeue(delivery);
    return true;
  }

  /** Queues an active delivery again. It may share a batch with others. */
  requeue(delivery: Delivery): void {
    this.#ready.push({ delivery, since: this.#now() });
    this.#readyBytes += delivery.bytes;
  }

  /** Queues active deliveries again, as a batch that no other delivery may join. */
  requeueAlone(batch: Delivery[]): void {
    this.#fixedBatches.push(batch);
  }

  /** Makes the next delivery with the same order key active, because this one is settled. */
  release({ orderKey }: Delivery): void {
    if (orderKey === undefined) return;
    const next = this.#queues.get(orderKey)?.shift();
    if (next === undefined) this.#queues.delete(orderKey);
    else this.requeue(next);
  }

  /** Removes and returns the deliveries queued behind one that stays pending: they must stay pending too. */
  removePending({ orderKey }: Delivery): Delivery[] {
    if (orderKey === undefined) return [];
    const queue = this.#queues.get(orderKey) ?? [];
    this.#queues.delete(orderKey);
    this.#pendingKeys.add(orderKey);
    return queue;
  }

  /** From now on no delivery waits for others to fill its batch. */
  flush(): void {
    this.#isFlushing = true;
  }

  /** Removes and returns the next batch if one is due. */
  take(): Delivery[] | undefined {
    const fixed = this.#fixedBatches.shift();
    if (fixed !== undefined) return fixed;
    if (this.dueInMs() !== 0) return undefined;
    const count = this.#nextBatchSize();
    const batch = this.#ready.slice(0, count).map(({ delivery }) => delivery);
    this.#ready = this.#ready.slice(count);
    this.#readyBytes -= batch.reduce((sum, { bytes }) => sum + bytes, 0);
    return batch;
  }

  /** Milliseconds until a batch is due; 0 if one is due now, undefined if no delivery is ready. */
  dueInMs(): number | undefined {
    if (this.#fixedBatches.length > 0) return 0;
    const [first] = this.#ready;
    if (first === undefined) return undefined;
    const { batchSize, batchBytes, windowMs } = this.#limits;
    const isFull = this.#ready.length >= batchSize || this.#readyBytes >= batchBytes;
    if (isFull || this.#isFlushing || first.delivery.mayBePoison) return 0;
    return Math.max(0, first.since + windowMs - this.#now());
  }

  /** Removes and returns all waiting deliveries. */
  removeAll(): Delivery[] {
    const removed = [
      ...this.#fixedBatches.splice(0).flat(),
      ...this.#ready.splice(0).map(({ delivery }) => delivery),
      ...[...this.#queues.values()].flatMap((queue) => queue.splice(0)),
    ];
    this.#readyBytes = 0;
    return removed;
  }

  #nextBatchSize(): number {
    const { batchSize, batchBytes } = this.#limits;
    let bytes = 0;
    let count = 0;
    for (const { delivery } of this.#ready) {
      bytes += delivery.bytes;
      if (count >= batchSize || bytes > batchBytes || delivery.mayBePoison) break;
      count++;
    }
    // A delivery that exceeds the maximum batch size, or that may be poison, is invoked alone.
    return Math.max(1, count);
  }
}
