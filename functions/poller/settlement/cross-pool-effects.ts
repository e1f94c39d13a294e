import type { Redis } from 'ioredis';
import { errorFields, type Logger } from '../../../shared/logging.ts';
import { namespaced } from '../../../shared/registry/beeorm-names.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import { connectRedis } from '../redis/connection.ts';
import { CrossPoolMarkers, type CrossPoolResult, type CrossPoolWrite } from '../redis/cross-pool-markers.ts';
import { isRefusalOfServer, refusalCodeOf, refusedCommandOf } from '../redis/refusals.ts';
import type { RefusalLog } from './refusal-log.ts';

/** Key of the hash of markers, without the namespace. */
export const MARKERS_KEY = 'orm-async-consumer_consumer-1:effects';
const KEPT_MARKER_MS = 60_000;

export interface CrossPoolEffectsOptions {
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  /** The consumer's name in the entries' own pool: markers are stored under it. */
  readonly consumer: string;
  /** Identifies this drain. */
  readonly token: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly refusals: RefusalLog;
  readonly isLockHeld: () => Promise<boolean>;
  readonly isSettled: (marker: string) => Promise<boolean>;
}

interface CrossPool {
  readonly redis: Redis;
  readonly markers: CrossPoolMarkers;
}

export type CrossPoolOutcome =
  | Exclude<CrossPoolResult, { readonly kind: 'refused' }>
  | { readonly kind: 'pending' };

/** Applies effects of entries in Redis pools other than their own. Connects to each pool when it is first needed. */
export class CrossPoolEffects {
  readonly #options: CrossPoolEffectsOptions;
  readonly #pools = new Map<string, Promise<CrossPool | 'lock-lost'>>();

  constructor(options: CrossPoolEffectsOptions) {
    this.#options = options;
  }

  /** `pending`: the pool could not be reached or refuses a command, or another drain has begun; the entry stays pending. */
  async apply(code: string, effects: CrossPoolWrite): Promise<CrossPoolOutcome> {
    for (let attempt = 0; this.#options.budget.mayExecute; attempt++) {
      try {
        const pool = await this.#open(code);
        if (pool === 'lock-lost') return { kind: 'pending' };
        const result = await pool.markers.apply(effects);
        if (result.kind === 'refused') {
          this.#options.refusals.add(code, result.refused);
          if (!isRefusalOfServer(result.refused.code)) return { kind: 'pending' };
          await this.#options.budget.backOff(attempt);
          continue;
        }
        if (result.kind !== 'fenced') return result;
        // A predecessor that is shutting down may have overwritten our token with its own.
        if (!(await this.#isLockHeld())) return { kind: 'pending' };
        await pool.markers.open();
      } catch (error) {
        this.#forget(code);
        const refusal = this.#noteFailure(code, error);
        if (refusal !== undefined && !isRefusalOfServer(refusal)) return { kind: 'pending' };
        await this.#options.budget.backOff(attempt);
      }
    }
    return { kind: 'pending' };
  }

  close(): void {
    for (const code of [...this.#pools.keys()]) this.#forget(code);
  }

  /** Does not wait for a connection that is still being opened: that may take longer than the budget allows. */
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
    const markers = new CrossPoolMarkers(redis, this.#markersKey(code), consumer, token);
    await markers.open();
    // A poller that opens after its successor must stop: otherwise the successor would be the one that is refused.
    if (!(await this.#isLockHeld())) {
      redis.disconnect();
      return 'lock-lost';
    }
    await markers.sweep(KEPT_MARKER_MS, isSettled);
    return { redis, markers };
  }

  /** Returns the code of the refusal, if it is one. */
  #noteFailure(pool: string, error: unknown): string | undefined {
    const { logger, refusals } = this.#options;
    const code = refusalCodeOf(error);
    if (code === undefined) {
      logger.warn('cross-pool effect failed, retrying', { pool, error: errorFields(error) });
      return undefined;
    }
    refusals.add(pool, refusedCommandOf(error) ?? { command: 'HSCAN', key: this.#markersKey(pool), code });
    return code;
  }

  #markersKey(code: string): string {
    return namespaced(this.#options.redisPools.get(code) ?? { namespace: '' }, MARKERS_KEY);
  }

  /** Also false if the Redis that holds the lock cannot be asked: nothing could be acknowledged then either. */
  #isLockHeld(): Promise<boolean> {
    return this.#options.isLockHeld().catch(() => false);
  }
}
