import type { Redis } from 'ioredis';
import type { Logger } from '../../../shared/logging.ts';
import type { DrainBudget } from '../drain/drain-budget.ts';
import type { AtPollerPoint } from '../poller-options.ts';
import { type Settlement, type SettlementResult, settle } from '../redis/settle-script.ts';

/** Settlements in one call of the script: Redis serves nobody else meanwhile. */
const MOST_AT_ONCE = 200;

interface Waiting {
  readonly settlement: Settlement;
  readonly resolve: (result: SettlementResult | 'left') => void;
}

export interface SettlerOptions {
  readonly redis: Redis;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  /** Settles in Redis; given in by tests that break it. */
  readonly settle?: typeof settle;
  readonly atPoint?: AtPollerPoint;
}

/** Settles entries, those that wait while a call is under way in the next one together. */
export class Settler {
  readonly #options: SettlerOptions;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** `left` where Redis can't be asked or can't write: the entry stays pending. */
  settle(settlement: Settlement): Promise<SettlementResult | 'left'> {
    return new Promise((resolve) => {
      this.#waiting.push({ settlement, resolve });
      if (!this.#isRunning) {
        this.#isRunning = true;
        queueMicrotask(() => void this.#run());
      }
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_AT_ONCE);
      const results = await this.#try(batch.map(({ settlement }) => settlement));
      await this.#options.atPoint?.('settled');
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? 'left');
    }
    this.#isRunning = false;
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
