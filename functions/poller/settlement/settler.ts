import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../../../shared/logging.ts';
import type { DrainBudget } from '../budget.ts';
import type { Failpoint } from '../failpoints.ts';
import { RefusalError, refusalCodeOf } from '../redis/refusals.ts';
import {
  isMereAcknowledgement,
  type Settlement,
  type SettlementResult,
  settle,
} from '../redis/settle-script.ts';
import type { RefusalLog } from './refusal-log.ts';
import type { SettledTogether, SettlementTicket } from './settlement-order.ts';

/** Settlements in one call. Redis serves no other client meanwhile, and those with effects take it longer. */
const MAX_PER_CALL = 500;
const MAX_WITH_EFFECTS_PER_CALL = 200;

/** Cache keys and publications in one call: Redis closes the connection on a command of more than a million values. */
const MAX_EFFECTS_PER_CALL = 5000;

/**
 * - `settled`: acknowledged with all its effects.
 * - `already`: somebody has settled it before, so this drain cannot report its effects as its own.
 * - `pending`: Redis cannot be asked or refuses to write, or an entry ahead stays pending; the entry stays pending.
 * - `unwritable`: nothing was done, because the keys of these publications cannot take an entry.
 */
export type SettlerResult =
  | { readonly kind: 'settled' | 'already' | 'pending' }
  | { readonly kind: 'unwritable'; readonly publications: readonly number[] };

const STAYS_PENDING: SettlerResult = { kind: 'pending' };
const IS_SETTLED: SettlerResult = { kind: 'settled' };
const WAS_SETTLED: SettlerResult = { kind: 'already' };

interface Waiting {
  readonly settlement: Settlement;
  readonly ticket: SettlementTicket | undefined;
  readonly resolve: (result: SettlerResult) => void;
}

export interface SettlerOptions {
  readonly redis: Redis;
  readonly budget: DrainBudget;
  /** Code of the Redis pool. */
  readonly pool: string;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  /** Settles in Redis; replaced by tests that break it. */
  readonly settle?: typeof settle | undefined;
  readonly failpoint?: Failpoint | undefined;
}

/** Settles entries. Those that arrive while a call is in progress share the next one. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #waiting: Waiting[] = [];
  /** Settlements that keep an order with others. */
  #ordered: Waiting[] = [];
  #isRunning = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** `ticket`: for an entry whose publications must keep an order; it waits for those ahead of it. */
  settle(settlement: Settlement, ticket?: SettlementTicket): Promise<SettlerResult> {
    return new Promise((resolve) => this.add(settlement, ticket, resolve));
  }

  /** Like `settle`, with a callback. */
  add(
    settlement: Settlement,
    ticket: SettlementTicket | undefined,
    resolve: (result: SettlerResult) => void,
  ): void {
    (ticket === undefined ? this.#waiting : this.#ordered).push({ settlement, ticket, resolve });
    this.#start();
  }

  /** The ticket's entry is over: others may have waited for it. */
  leave(ticket: SettlementTicket): void {
    ticket.leave();
    if (this.#ordered.length > 0) this.#start();
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
      batch.forEach((waiting, index) => {
        this.#answer(waiting, results[index]);
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
    if (this.#ordered.length > 0) this.#takeOrdered(batch, room);
    return batch;
  }

  #takeOrdered(batch: Waiting[], room: Room): void {
    this.#ordered.sort((one, other) => (one.ticket?.sequence ?? 0) - (other.ticket?.sequence ?? 0));
    const ahead: SettledTogether = new Map();
    this.#ordered = this.#ordered.filter((waiting) => {
      if (waiting.ticket?.isBroken === true) {
        waiting.resolve(STAYS_PENDING);
        return false;
      }
      const isNext = !room.isFull && waiting.ticket?.follows(ahead) === true;
      if (isNext) {
        room.take(waiting);
        batch.push(waiting);
      }
      return !isNext;
    });
  }

  #answer(waiting: Waiting, result: SettlementResult | undefined): void {
    switch (result?.kind) {
      case 'deferred':
        this.#ordered.push(waiting);
        return;
      case 'settled':
      case 'already':
        waiting.ticket?.settled();
        waiting.resolve(result.kind === 'settled' ? IS_SETTLED : WAS_SETTLED);
        return;
      case 'unwritable':
        waiting.resolve(result);
        return;
      case 'refused':
        this.#options.refusals.add(this.#options.pool, result.refused);
        waiting.resolve(STAYS_PENDING);
        return;
      case undefined:
        waiting.resolve(STAYS_PENDING);
    }
  }

  async #try(settlements: readonly Settlement[]): Promise<readonly SettlementResult[]> {
    const { redis, budget } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        return await (this.#options.settle ?? settle)(redis, settlements);
      } catch (error) {
        // A lost connection leaves the outcome open: the next drain finds it in the acknowledgement itself.
        if (redis.status !== 'ready') return [];
        this.#noteFailure(error, settlements);
        if (!budget.mayExecute) return [];
        await budget.backOff(attempt);
      }
    }
  }

  #noteFailure(error: unknown, settlements: readonly Settlement[]): void {
    const { pool, logger, refusals } = this.#options;
    const code = refusalCodeOf(error);
    if (error instanceof RefusalError) refusals.add(pool, error.refused);
    else if (code !== undefined)
      refusals.add(pool, { command: 'EVALSHA', key: settlements[0]?.stream ?? '', code });
    else logger.warn('settlement failed, retrying', { error: errorFields(error) });
  }
}

/** The room in one call. A settlement that overfills it is still included, because alone it would never fit. */
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

function toSettlement({ settlement, ticket }: Waiting): Settlement {
  return ticket === undefined ? settlement : { ...settlement, orderedBy: ticket.names };
}
