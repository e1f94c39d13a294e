import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import { BackgroundConsumerError, ConnectionError } from '../../../shared/errors.ts';
import { redisPoolOf } from '../../../shared/registry/redis-pool-of.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import { DrainBudget, pause } from '../budget.ts';
import type { Channel } from '../channels/channel.ts';
import { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PollerOptions } from '../poller-options.ts';
import { createLockValue } from '../redis/lock.ts';
import { explainRefusal } from '../redis/refusals.ts';
import { openRedisSession } from '../redis/session.ts';
import { ChannelStats } from './channel-stats.ts';
import { concludeDrain, type DrainConclusion, type PoolEnd } from './drain-reason.ts';
import { type EntriesInHand, PoolDrain } from './pool-drain.ts';
import { SharedLock } from './shared-lock.ts';

const PROGRESS_MS = 200;

/** How far a drain may exceed its budget for an orderly shutdown. */
const OVERDUE_MS = 900;

/** A Redis pool that was never reached within this time is given up until the next drain. */
const UNREACHED_MS = 5000;

/** A pool that was drained for this long has recovered: its next pause is a short one. */
const RECOVERED_MS = 10_000;

export interface DrainOptions {
  /** Time for everything, in milliseconds. */
  readonly budgetMs: number;
  /** Wait for new entries until the budget ends, instead of ending when the streams are empty. Default false. */
  readonly isTail?: boolean | undefined;
  /** Once aborted, nothing more is read; work in flight is finished. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((summary: DrainSummary) => void) | undefined;
}

/**
 * Drains all channels until they are empty or the budget ends. Redis pools are drained concurrently.
 * @throws BackgroundConsumerError if no Redis pool could be reached
 */
export function drain(poller: PollerOptions, options: DrainOptions): Promise<DrainSummary> {
  return new Drain(poller, options).run();
}

/** Channels that share a lock: those of one Redis pool and one group. */
interface LockedChannels {
  readonly pool: RedisPool;
  readonly channels: Channel[];
}

class Drain {
  readonly #poller: PollerOptions;
  readonly #options: DrainOptions;
  readonly #startedAt = Date.now();
  readonly #concurrencyLimit: ConcurrencyLimit;
  readonly #sharedLock = new SharedLock();
  /** Those that are being drained, or may be. */
  readonly #drained = new Set<LockedChannels>();
  readonly #stats: ReadonlyMap<Channel, ChannelStats>;

  constructor(poller: PollerOptions, options: DrainOptions) {
    this.#poller = poller;
    this.#options = options;
    this.#concurrencyLimit = new ConcurrencyLimit(poller.limits.lanes);
    this.#stats = new Map(poller.channels.map((channel) => [channel, new ChannelStats(channel.stream)]));
  }

  async run(): Promise<DrainSummary> {
    const { onProgress } = this.#options;
    const progress =
      onProgress === undefined
        ? undefined
        : setInterval(() => onProgress(this.#summary({ complete: false, reason: 'budget' })), PROGRESS_MS);
    try {
      const ends = await Promise.all(this.#channelsByLock().map((locked) => this.#drainPool(locked)));
      return this.#conclude(ends);
    } finally {
      clearInterval(progress);
    }
  }

  #channelsByLock(): LockedChannels[] {
    const byLock = new Map<string, LockedChannels>();
    for (const channel of this.#stats.keys()) {
      const pool = redisPoolOf(this.#poller.registry, channel.stream);
      if (pool === undefined) continue;
      // Two pools of the registry may be the same database, and then share a lock.
      const key = JSON.stringify([pool.target, pool.database, pool.namespace, channel.group]);
      const known = byLock.get(key);
      if (known === undefined) byLock.set(key, { pool, channels: [channel] });
      else known.channels.push(channel);
    }
    return [...byLock.values()];
  }

  /**
   * Starts over, in a new epoch, if the connection to Redis was lost and there is time left. A drain that waits for new
   * entries starts over whenever it cannot continue, as long as it drains another pool: nobody else would try this one.
   */
  async #drainPool(locked: LockedChannels): Promise<PoolEnd> {
    const { pool } = locked;
    const lockValue = createLockValue();
    let lastReachedAt = Date.now();
    let survived: EntriesInHand = new Map();
    this.#drained.add(locked);
    for (let attempt = 0; ; attempt++) {
      const startedAt = Date.now();
      const budget = new DrainBudget(this.#remainingMs(), this.#options.signal);
      const end = await this.#inTime(pool, this.#drainOnce(locked, budget, lockValue, survived)).finally(() =>
        budget.close(),
      );
      if ('inHand' in end) {
        lastReachedAt = Date.now();
        survived = end.inHand;
        if (lastReachedAt - startedAt > RECOVERED_MS) attempt = 0;
      }
      const isOver = this.#options.signal?.aborted === true || this.#remainingMs() < 1000;
      if (end.kind === 'done' || isOver || !this.#startsOver(locked, end, lastReachedAt)) {
        this.#drained.delete(locked);
        return end;
      }
      this.#poller.logger.warn(describeStartingOver(end), {
        pool: pool.code,
        reason: end.kind,
        ...detailOf(end),
      });
      await pause(attempt, this.#remainingMs());
    }
  }

  #startsOver(locked: LockedChannels, end: PoolEnd, lastReachedAt: number): boolean {
    if (end.kind === 'redis-lost' || end.kind === 'restart') return true;
    const isRefused =
      end.kind === 'unreachable' && ['redis-authentication', 'redis-permission'].includes(end.error.code);
    if (end.kind === 'unreachable' && !isRefused && Date.now() - lastReachedAt <= UNREACHED_MS) return true;
    if (this.#options.isTail !== true) return false;
    this.#drained.delete(locked);
    return this.#drained.size > 0;
  }

  /** Limits what has no timeout of its own: a Redis that accepts the connection but then does not answer. */
  #inTime(pool: RedisPool, drained: Promise<PoolEnd>): Promise<PoolEnd> {
    const message = `Redis pool '${pool.code}' did not answer within the budget`;
    const overdue: PoolEnd = { kind: 'unreachable', error: new ConnectionError('redis-timeout', message) };
    const timeout = new AbortController();
    return Promise.race([
      drained.finally(() => timeout.abort()),
      sleep(this.#remainingMs() + OVERDUE_MS, overdue, { signal: timeout.signal }).catch(() => drained),
    ]);
  }

  async #drainOnce(
    locked: LockedChannels,
    budget: DrainBudget,
    lockValue: string,
    survived: EntriesInHand,
  ): Promise<PoolEnd> {
    const { pool, channels } = locked;
    try {
      const streams = channels.map(({ stream }) => stream);
      const group = channels[0]?.group ?? '';
      const session = await openRedisSession(pool, group, streams, this.#poller.lockTtlMs, lockValue);
      if ('lockedBy' in session) return { kind: 'locked', holder: session.lockedBy };
      this.#drained.add(locked);
      const poolDrain = new PoolDrain({
        poller: this.#poller,
        pool,
        session,
        channels: channels.map((channel) => ({ channel, stats: this.#statsOf(channel) })),
        budget,
        concurrencyLimit: this.#concurrencyLimit,
        sharedLock: this.#sharedLock,
        isTail: this.#options.isTail ?? false,
        survived,
      });
      return await poolDrain.run();
    } catch (error) {
      const known = toKnownError(pool, error);
      for (const channel of channels)
        this.#statsOf(channel).setError({ code: known.code, message: known.message });
      return { kind: 'unreachable', error: known };
    }
  }

  #statsOf(channel: Channel): ChannelStats {
    return this.#stats.get(channel) ?? new ChannelStats(channel.stream);
  }

  #remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#options.budgetMs - Date.now());
  }

  #conclude(ends: readonly PoolEnd[]): DrainSummary {
    const unreachable = ends.filter((end) => end.kind === 'unreachable');
    const [first] = unreachable;
    if (first !== undefined && unreachable.length === ends.length) throw first.error;
    const isEmpty = [...this.#stats.values()].every(
      ({ summary }) => summary.pending === 0 && summary.backlog === 0,
    );
    return this.#summary(concludeDrain(ends, isEmpty, this.#options.signal?.aborted === true));
  }

  #summary(conclusion: DrainConclusion): DrainSummary {
    const channels = [...this.#stats].map(([channel, stats]) => [channel.name, stats.summary] as const);
    return {
      ...conclusion,
      seconds: (Date.now() - this.#startedAt) / 1000,
      channels: Object.fromEntries(channels),
    };
  }
}

function describeStartingOver({ kind }: PoolEnd): string {
  const isLost = kind === 'redis-lost' || kind === 'unreachable';
  return isLost ? 'Redis connection lost, reconnecting' : 'drain of the pool cannot continue, starting over';
}

/** What is known about the end, such as which group was set back. */
function detailOf(end: PoolEnd): { readonly detail?: string } {
  if (end.kind === 'unreachable') return { detail: end.error.code };
  return 'message' in end && end.message !== undefined ? { detail: end.message } : {};
}

function toKnownError(pool: RedisPool, error: unknown): BackgroundConsumerError {
  const known = explainRefusal(pool.code, error);
  if (known instanceof BackgroundConsumerError) return known;
  const text = error instanceof Error ? error.message : String(error);
  return new ConnectionError('redis-failed', `Redis pool '${pool.code}': ${text}`, { cause: error });
}
