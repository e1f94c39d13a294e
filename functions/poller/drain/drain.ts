import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainReason, DrainSummary } from '../../../shared/drain-summary.ts';
import { BackgroundConsumerError, ConnectionError, withNextStep } from '../../../shared/errors.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import { DrainBudget, pause } from '../budget.ts';
import type { Channel } from '../channels/channel.ts';
import { CHANNELS } from '../channels/channels.ts';
import { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import type { PollerOptions } from '../poller-options.ts';
import type { LockHolder } from '../redis/lock.ts';
import { createLockValue } from '../redis/lock.ts';
import { openRedisSession } from '../redis/session.ts';
import { ChannelStats } from './channel-stats.ts';
import { type EntriesInHand, PoolDrain, type PoolDrainEnd } from './pool-drain.ts';
import { SharedLock } from './shared-lock.ts';

const PROGRESS_MS = 200;

/** What a drain may take beyond its budget for saying goodbye. */
const OVERDUE_MS = 900;

/** A Redis pool that was not reached once for this long is given up until the next drain. */
const UNREACHED_MS = 5000;

export interface DrainOptions {
  /** Time for all of it, in milliseconds. */
  readonly budgetMs: number;
  /** Wait for new entries until the budget ends, rather than ending with the streams. Default false. */
  readonly isTail?: boolean | undefined;
  /** Once aborted nothing more is read; what is in flight is finished. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((summary: DrainSummary) => void) | undefined;
}

/** How the drain of one Redis pool ended. */
type PoolEnd =
  | PoolDrainEnd
  | { readonly kind: 'locked'; readonly holder: LockHolder }
  | { readonly kind: 'unreachable'; readonly error: BackgroundConsumerError };

/** One drain: every channel, each Redis pool beside the others, until they are empty or the budget ends. */
export class Drain {
  readonly #poller: PollerOptions;
  readonly #options: DrainOptions;
  readonly #startedAt = Date.now();
  readonly #concurrencyLimit: ConcurrencyLimit;
  readonly #sharedLock = new SharedLock();
  readonly #stats = new Map<Channel, ChannelStats>();

  constructor(poller: PollerOptions, options: DrainOptions) {
    this.#poller = poller;
    this.#options = options;
    this.#concurrencyLimit = new ConcurrencyLimit(poller.limits.lanes);
    const channels = [...CHANNELS, ...(poller.ownStreams ?? [])];
    for (const channel of channels) this.#stats.set(channel, new ChannelStats(channel.stream));
  }

  /** Rejects with a ConnectionError where no Redis pool could be reached. */
  async run(): Promise<DrainSummary> {
    const { onProgress } = this.#options;
    const progress =
      onProgress === undefined
        ? undefined
        : setInterval(() => onProgress(this.#summary({ complete: false, reason: 'budget' })), PROGRESS_MS);
    try {
      const ends = await Promise.all(
        this.#channelsByLock().map(({ pool, channels }) => this.#drainPool(pool, channels)),
      );
      return this.#conclude(ends);
    } finally {
      clearInterval(progress);
    }
  }

  /** Channels that share a lock: of one Redis pool and one group. */
  #channelsByLock(): { pool: RedisPool; channels: Channel[] }[] {
    const { redisPools, streams } = this.#poller.registry;
    const byLock = new Map<string, { pool: RedisPool; channels: Channel[] }>();
    for (const channel of this.#stats.keys()) {
      const pool = redisPools.get(streams.get(channel.stream)?.redisPool ?? '');
      if (pool === undefined) continue;
      // Two pools of the registry may be one place, and then have one lock.
      const key = JSON.stringify([pool.target, pool.database, pool.namespace, channel.group]);
      const known = byLock.get(key);
      if (known === undefined) byLock.set(key, { pool, channels: [channel] });
      else known.channels.push(channel);
    }
    return [...byLock.values()];
  }

  /** Begins again, in a new epoch, when the connection to Redis was lost and there is time left. */
  async #drainPool(pool: RedisPool, channels: readonly Channel[]): Promise<PoolEnd> {
    const lockValue = createLockValue();
    let lastReachedAt = Date.now();
    let outlived: EntriesInHand = new Map();
    for (let attempt = 0; ; attempt++) {
      const budget = new DrainBudget(this.#remainingMs(), this.#options.signal);
      try {
        const end = await this.#inTime(pool, this.#drainOnce(pool, channels, budget, lockValue, outlived));
        if (end.kind !== 'redis-lost' && end.kind !== 'unreachable') return end;
        if (end.kind === 'redis-lost') {
          lastReachedAt = Date.now();
          attempt = 0;
          outlived = end.inHand;
        }
        const isHopeless = end.kind === 'unreachable' && end.error.code === 'redis-authentication';
        const isOver = this.#options.signal?.aborted === true || this.#remainingMs() < 1000;
        if (isHopeless || isOver || Date.now() - lastReachedAt > UNREACHED_MS) return end;
        this.#poller.logger.warn('Redis pool fails, beginning again', { pool: pool.code, reason: end.kind });
        await pause(attempt, this.#remainingMs());
      } finally {
        budget.close();
      }
    }
  }

  /** Bounds what has no bound of its own: a Redis that accepts the connection and then says nothing. */
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
    pool: RedisPool,
    channels: readonly Channel[],
    budget: DrainBudget,
    lockValue: string,
    outlived: EntriesInHand,
  ): Promise<PoolEnd> {
    try {
      const streams = channels.map(({ stream }) => stream);
      const group = channels[0]?.group ?? '';
      const session = await openRedisSession(pool, group, streams, this.#poller.lockTtlMs, lockValue);
      if ('lockedBy' in session) return { kind: 'locked', holder: session.lockedBy };
      const drain = new PoolDrain({
        poller: this.#poller,
        pool,
        session,
        channels: channels.map((channel) => ({ channel, stats: this.#statsOf(channel) })),
        budget,
        concurrencyLimit: this.#concurrencyLimit,
        sharedLock: this.#sharedLock,
        isTail: this.#options.isTail ?? false,
        outlived,
      });
      return await drain.run();
    } catch (error) {
      const known =
        error instanceof BackgroundConsumerError
          ? error
          : new ConnectionError('redis-failed', `Redis pool '${pool.code}': ${textOf(error)}`, {
              cause: error,
            });
      for (const channel of channels)
        this.#statsOf(channel).setError({ code: known.code, message: known.message });
      return { kind: 'unreachable', error: known };
    }
  }

  #statsOf(channel: Channel): ChannelStats {
    const stats = this.#stats.get(channel) ?? new ChannelStats(channel.stream);
    this.#stats.set(channel, stats);
    return stats;
  }

  #remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#options.budgetMs - Date.now());
  }

  #conclude(ends: readonly PoolEnd[]): DrainSummary {
    const unreachable = ends.filter((end) => end.kind === 'unreachable');
    const [first] = unreachable;
    if (first !== undefined && unreachable.length === ends.length) throw first.error;
    return this.#summary(this.#reasonOf(ends));
  }

  #reasonOf(ends: readonly PoolEnd[]): Pick<DrainSummary, 'complete' | 'reason' | 'message'> {
    for (const end of ends) {
      const reason = reasonOfEnd(end);
      if (reason !== undefined) return { complete: false, ...reason };
    }
    const mysql = mysqlFailures(ends);
    const isKnown = ends.every((end) => end.kind !== 'done' || end.isRemainingKnown);
    const isEmpty = [...this.#stats.values()].every(
      ({ summary }) => summary.pending === 0 && summary.backlog === 0,
    );
    if (isKnown && isEmpty) return { complete: true, reason: 'drained' };
    if (mysql !== undefined) return { complete: false, reason: 'pool-down', message: mysql };
    if (this.#options.signal?.aborted === true) return { complete: false, reason: 'stopped' };
    const isBudgetOver = !isKnown || ends.some((end) => end.kind === 'done' && end.isBudgetOver);
    return { complete: false, reason: isBudgetOver ? 'budget' : 'failed-entries' };
  }

  #summary(end: Pick<DrainSummary, 'complete' | 'reason' | 'message'>): DrainSummary {
    const channels = [...this.#stats].map(([channel, stats]) => [channel.name, stats.summary] as const);
    return {
      ...end,
      seconds: (Date.now() - this.#startedAt) / 1000,
      channels: Object.fromEntries(channels),
    };
  }
}

function reasonOfEnd(end: PoolEnd): { reason: DrainReason; message?: string } | undefined {
  switch (end.kind) {
    case 'locked': {
      const who = end.holder.description ?? "a BeeORM consumer, or another program that doesn't say its name";
      const ends =
        end.holder.endsInMs === undefined
          ? 'it has no time to live: whoever set it must delete it'
          : `unless refreshed it ends in ${Math.ceil(end.holder.endsInMs / 1000)} s`;
      return { reason: 'locked', message: `the lock is held by ${who}; ${ends}` };
    }
    case 'lock-lost':
      return { reason: 'lock-lost', message: 'another consumer has taken the lock meanwhile' };
    case 'redis-lost':
      return { reason: 'pool-down', message: end.message ?? 'the connection to Redis was lost' };
    case 'behind':
      return { reason: 'pool-down', ...(end.message === undefined ? {} : { message: end.message }) };
    case 'unreachable':
      return {
        reason: 'pool-down',
        message: withNextStep(end.error.message, end.error.nextStep),
      };
    case 'done':
      return undefined;
  }
}

function mysqlFailures(ends: readonly PoolEnd[]): string | undefined {
  const failures = ends.flatMap((end) => ('mysqlFailures' in end ? [...end.mysqlFailures] : []));
  if (failures.length === 0) return undefined;
  return failures
    .map(([pool, { code, message, nextStep }]: [string, PoolFailure]) => {
      const step = nextStep === undefined ? '' : ` ${nextStep}`;
      return `MySQL pool '${pool}' fails with ${code}: ${message}.${step}`;
    })
    .join('; ');
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
