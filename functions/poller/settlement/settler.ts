import type { Redis } from 'ioredis';
import type { Logger } from '../../../shared/logging.ts';
import type { DrainBudget } from '../budget.ts';
import type { Failpoint } from '../poller-options.ts';
import {
  isMereAcknowledgement,
  type Settlement,
  type SettlementResult,
  settle,
} from '../redis/settle-script.ts';
import type { SettledTogether, SettlementTicket } from './settlement-order.ts';

/** Settlements in one call: Redis serves nobody else meanwhile, and those with effects take it longer. */
const MAX_PER_CALL = 500;
const MAX_WITH_EFFECTS_PER_CALL = 200;

/** Cache keys and publications in one call: a command of more than a million values loses the connection. */
const MAX_EFFECTS_PER_CALL = 5000;

/** What becomes of a settlement; `left` where Redis can't be asked or can't write: the entry stays pending. */
export type Settled = Exclude<SettlementResult, { readonly kind: 'deferred' }> | 'pending';

interface Waiting {
  readonly settlement: Settlement;
  readonly place: SettlementTicket | undefined;
  readonly resolve: (result: Settled) => void;
}

export interface SettlerOptions {
  readonly redis: Redis;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  /** Settles in Redis; given in by tests that break it. */
  readonly settle?: typeof settle;
  readonly failpoint?: Failpoint;
}

/** Settles entries, those that wait while a call is under way in the next one together. */
export class Settler {
  readonly #options: SettlerOptions;
  #waiting: Waiting[] = [];
  /** Those that keep an order with others. */
  #inLine: Waiting[] = [];
  #isRunning = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** `place`: where the entry's publications must keep an order; it waits for those before it. */
  settle(settlement: Settlement, place?: SettlementTicket): Promise<Settled> {
    return new Promise((resolve) => this.add(settlement, place, resolve));
  }

  /** The same, with a function that is called once it is settled or left. */
  add(settlement: Settlement, place: SettlementTicket | undefined, resolve: (result: Settled) => void): void {
    (place === undefined ? this.#waiting : this.#inLine).push({ settlement, place, resolve });
    this.#start();
  }

  /** The entry that holds the place is over: others may have waited for it. */
  leave(place: SettlementTicket): void {
    place.leave();
    if (this.#inLine.length > 0) this.#start();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    const { failpoint } = this.#options;
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      const results = await this.#try(batch.map(toSettlement));
      if (failpoint !== undefined) await failpoint('settled');
      batch.forEach((waiting, place) => {
        this.#answer(waiting, results[place] ?? 'pending');
      });
    }
    this.#isRunning = false;
  }

  #nextBatch(): Waiting[] {
    const room = new Room();
    let end = 0;
    for (const waiting of this.#waiting) {
      if (room.isFull) break;
      room.take(waiting);
      end++;
    }
    const batch = this.#waiting.splice(0, end);
    if (this.#inLine.length === 0) return batch;
    this.#inLine.sort((one, other) => (one.place?.sequence ?? 0) - (other.place?.sequence ?? 0));
    const ahead: SettledTogether = new Map();
    this.#inLine = this.#inLine.filter((waiting) => {
      if (waiting.place?.isBroken === true) {
        waiting.resolve('pending');
        return false;
      }
      const isNext = !room.isFull && waiting.place?.follows(ahead) === true;
      if (isNext) {
        room.take(waiting);
        batch.push(waiting);
      }
      return !isNext;
    });
    return batch;
  }

  #answer(waiting: Waiting, result: SettlementResult | 'pending'): void {
    if (result !== 'pending' && result.kind === 'deferred') {
      this.#inLine.push(waiting);
      return;
    }
    if (result !== 'pending' && (result.kind === 'settled' || result.kind === 'already'))
      waiting.place?.settled();
    waiting.resolve(result);
  }

  async #try(settlements: readonly Settlement[]): Promise<SettlementResult[]> {
    const { redis, budget, logger } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await (this.#options.settle ?? settle)(redis, settlements);
      } catch (error) {
        // A lost connection leaves the outcome open: the next run asks the acknowledgement itself.
        if (redis.status !== 'ready' || !budget.mayExecute) return [];
        const code = error instanceof Error ? error.message.split(' ', 1)[0] : 'error';
        logger.warn('Redis refuses to write, trying again', { code });
        await budget.backOff(attempt);
      }
    }
  }
}

/** What goes into one call. The one that fills it goes too, however large: it must not wait for a call without others. */
class Room {
  #settlements = 0;
  #withEffects = 0;
  #effects = 0;

  get isFull(): boolean {
    return (
      this.#settlements >= MAX_PER_CALL ||
      this.#withEffects >= MAX_WITH_EFFECTS_PER_CALL ||
      this.#effects >= MAX_EFFECTS_PER_CALL
    );
  }

  take({ settlement }: Waiting): void {
    this.#settlements++;
    if (!isMereAcknowledgement(settlement)) this.#withEffects++;
    this.#effects += settlement.cacheKeys.length + settlement.publications.length;
  }
}

function toSettlement({ settlement, place }: Waiting): Settlement {
  return place === undefined ? settlement : { ...settlement, lines: place.names };
}
