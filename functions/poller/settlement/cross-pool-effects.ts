import type { Redis } from 'ioredis';
import type { Logger } from '../../../shared/logging.ts';
import { namespaced } from '../../../shared/registry/beeorm-names.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import { connectRedis } from '../redis/connection.ts';
import { CrossPoolMarkers, type CrossPoolResult, type CrossPoolWrite } from '../redis/cross-pool-markers.ts';

const MARKERS_KEY = 'orm-async-consumer_consumer-1:effects';
const KEPT_MARKER_MS = 60_000;

export interface CrossPoolEffectsOptions {
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  /** Of the entries' own pool: under it markers stand. */
  readonly consumer: string;
  /** Of this drain. */
  readonly token: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly isLockHeld: () => Promise<boolean>;
  readonly isSettled: (marker: string) => Promise<boolean>;
}

interface CrossPool {
  readonly redis: Redis;
  readonly markers: CrossPoolMarkers;
}

/** The Redis pools in which entries have effects beside their own. Each is connected to when first needed. */
export class CrossPoolEffects {
  readonly #options: CrossPoolEffectsOptions;
  readonly #pools = new Map<string, Promise<CrossPool | 'lock-lost'>>();

  constructor(options: CrossPoolEffectsOptions) {
    this.#options = options;
  }

  /** `left`: the pool could not be asked, or another drain has begun; the entry stays pending. */
  async apply(code: string, effects: CrossPoolWrite): Promise<CrossPoolResult | 'pending'> {
    for (let attempt = 0; this.#options.budget.mayExecute; attempt++) {
      try {
        const pool = await this.#open(code);
        if (pool === 'lock-lost') return 'pending';
        const result = await pool.markers.apply(effects);
        if (result.kind !== 'fenced') return result;
        // A predecessor that was on its way out may have written its token over ours.
        if (!(await this.#isLockHeld())) return 'pending';
        await pool.markers.open();
      } catch (error) {
        this.#forget(code);
        const reason = error instanceof Error ? error.name : 'error';
        this.#options.logger.warn('Redis pool fails, trying again', { pool: code, reason });
        await this.#options.budget.backOff(attempt);
      }
    }
    return 'pending';
  }

  close(): void {
    for (const code of [...this.#pools.keys()]) this.#forget(code);
  }

  /** Doesn't wait for a pool that is still being connected to: it may take longer to answer than is left. */
  #forget(code: string): void {
    const opening = this.#pools.get(code);
    this.#pools.delete(code);
    opening?.then(
      (pool) => {
        if (pool !== 'lock-lost') pool.redis.disconnect();
      },
      () => undefined,
    );
  }

  #open(code: string): Promise<CrossPool | 'lock-lost'> {
    const known = this.#pools.get(code);
    if (known !== undefined) return known;
    const opening = this.#connect(code);
    this.#pools.set(code, opening);
    return opening;
  }

  async #connect(code: string): Promise<CrossPool | 'lock-lost'> {
    const { redisPools, consumer, token, isSettled } = this.#options;
    const pool = redisPools.get(code);
    if (pool === undefined) throw new Error(`the registry has no Redis pool '${code}'`);
    const redis = await connectRedis(pool);
    const markers = new CrossPoolMarkers(redis, namespaced(pool, MARKERS_KEY), consumer, token);
    await markers.open();
    // Whoever opens after its successor must not go on: the successor is the one that would be refused.
    if (!(await this.#isLockHeld())) {
      redis.disconnect();
      return 'lock-lost';
    }
    await markers.sweep(KEPT_MARKER_MS, isSettled);
    return { redis, markers };
  }

  /** False also where the Redis that holds the lock can't be asked: nothing can then be acknowledged either. */
  #isLockHeld(): Promise<boolean> {
    return this.#options.isLockHeld().catch(() => false);
  }
}
