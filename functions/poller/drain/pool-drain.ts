import { randomBytes } from 'node:crypto';
import { withNextStep } from '../../../shared/errors.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import type { EntryProcessor } from '../channels/channel.ts';
import { MysqlPools } from '../lanes/mysql-pools.ts';
import type { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import type { DeferredItem } from '../ledger/work-item.ts';
import type { PollerOptions } from '../poller-options.ts';
import { connectRedis } from '../redis/connection.ts';
import { redisErrorCode } from '../redis/error-code.ts';
import type { FencedGroup } from '../redis/fenced-group.ts';
import { NewEntries } from '../redis/new-entries.ts';
import { describeRefusal, refusalCodeOf } from '../redis/refusals.ts';
import { LOCK_LOST } from '../redis/script.ts';
import type { RedisSession } from '../redis/session.ts';
import { SET_BACK } from '../redis/stream-reads.ts';
import { CrossPoolEffects } from '../settlement/cross-pool-effects.ts';
import { RefusalLog } from '../settlement/refusal-log.ts';
import { Settler } from '../settlement/settler.ts';
import { PoolWatch } from './pool-watch.ts';
import { type DrainedChannel, RemainingEntries } from './remaining-entries.ts';
import type { SharedLock } from './shared-lock.ts';
import { shutDown, untilOver } from './shutdown.ts';
import { StreamDrain } from './stream-drain.ts';
import { ledgerName, StreamPositions } from './stream-positions.ts';
import { StreamRecovery } from './stream-recovery.ts';

const UPKEEP_MS = 2000;

const GIVEN_UP_MS = 1000;

export interface PoolDrainOptions {
  readonly poller: PollerOptions;
  readonly pool: RedisPool;
  readonly session: RedisSession;
  readonly channels: readonly DrainedChannel[];
  readonly budget: DrainBudget;
  readonly concurrencyLimit: ConcurrencyLimit;
  readonly sharedLock: SharedLock;
  readonly isTail: boolean;
  /** What an earlier PoolDrain of this process had in hand when it lost Redis: the process has survived those entries. */
  readonly survived: EntriesInHand;
}

/** IDs by stream, named as in the registry. */
export type EntriesInHand = ReadonlyMap<string, readonly string[]>;

/**
 * - `lock-lost`: another consumer has begun, or may have.
 * - `redis-lost`: the connection is lost.
 * - `behind`: see `message`.
 * - `restart`: the drain can continue only in a new epoch.
 */
export interface PoolDrainEnd {
  readonly kind: 'done' | 'lock-lost' | 'redis-lost' | 'behind' | 'restart';
  readonly message?: string;
  /** Streams that could not be read, and why. */
  readonly streamFailures: ReadonlyMap<string, string>;
  readonly mysqlFailures: ReadonlyMap<string, PoolFailure>;
  /** What Redis refused to write, with the next steps: entries stay pending. */
  readonly refusals: readonly string[];
  /** By MySQL pool, the statements that could not run, although others could. */
  readonly deferred: ReadonlyMap<string, readonly DeferredItem[]>;
  readonly inHand: EntriesInHand;
  /** True if the remaining entries were counted at the end of the drain. */
  readonly isRemainingKnown: boolean;
  /** True if reading stopped for lack of time: then remaining entries may never have been tried. */
  readonly isBudgetOver: boolean;
}

/** Drains the streams of one Redis pool under its lock, in one epoch of the ledger. */
export class PoolDrain {
  readonly #options: PoolDrainOptions;
  readonly #positions: StreamPositions;
  readonly #mysql: MysqlPools;
  readonly #crossPool: CrossPoolEffects;
  readonly #remaining: RemainingEntries;
  readonly #streams = new Map<string, StreamDrain>();
  readonly #waiting: NewEntries[] = [];
  readonly #processors: EntryProcessor[] = [];
  readonly #refusals: RefusalLog;
  readonly #settler: Settler;
  readonly #recovery: StreamRecovery;
  #isRemainingKnown = false;
  #end: Pick<PoolDrainEnd, 'kind' | 'message'> = { kind: 'done' };

  constructor(options: PoolDrainOptions) {
    this.#options = options;
    const { poller, pool, session, channels, budget } = options;
    this.#remaining = new RemainingEntries(session, channels);
    this.#positions = new StreamPositions(pool, session, this.#streams);
    this.#refusals = new RefusalLog(poller.logger);
    this.#settler = new Settler({
      redis: session.redis,
      budget,
      pool: pool.code,
      logger: poller.logger,
      refusals: this.#refusals,
      settle: poller.settle,
      failpoint: poller.failpoint,
    });
    this.#recovery = new StreamRecovery(options);
    this.#mysql = this.#createMysqlPools();
    this.#crossPool = this.#createCrossPoolEffects();
  }

  async run(): Promise<PoolDrainEnd> {
    const { session, budget } = this.#options;
    session.redis.once('end', () => this.#stop({ kind: 'redis-lost' }));
    session.lock.keep({
      onLost: () => void this.#lockLost(),
      onRefused: (error) =>
        this.#warn('lock could not be refreshed, trying again', { code: redisErrorCode(error) }),
    });
    const upkeep = setInterval(() => void this.#upkeep(), UPKEEP_MS);
    const watch = new PoolWatch({
      redis: session.redis,
      remaining: this.#remaining,
      channels: this.#options.channels,
      streams: this.#streams,
      warn: (message, facts) => this.#warn(message, facts),
    });
    if (budget.mayRead) budget.reading.addEventListener('abort', () => this.#stopWhenDue(), { once: true });
    else this.#stopWhenDue();
    try {
      await Promise.race([this.#drainStreams(), untilOver(budget)]);
      this.#isRemainingKnown = await this.#shutDown();
    } finally {
      clearInterval(upkeep);
      watch.stop();
      this.#close();
    }
    return {
      ...this.#end,
      streamFailures: this.#recovery.failures,
      mysqlFailures: this.#mysql.failures,
      refusals: this.#refusals.messages,
      deferred: this.#mysql.deferred,
      inHand: new Map([...this.#streams].map(([name, stream]) => [name, stream.idsInHand])),
      isRemainingKnown: this.#isRemainingKnown,
      isBudgetOver: !budget.mayRead,
    };
  }

  #createMysqlPools(): MysqlPools {
    const { poller, session, budget, concurrencyLimit } = this.#options;
    return new MysqlPools({
      executor: poller.executor,
      consumer: session.consumer,
      budget,
      logger: poller.logger,
      concurrencyLimit,
      limits: poller.limits,
      createOrdering: poller.createOrdering,
      isLockHeld: () => session.lock.isHeld(),
      // A possible poison entry is tried while nothing else runs, so nothing may wait then for a pool that is down.
      mayWait: () => this.#options.isTail && !this.#options.sharedLock.isWanted,
      onGivenUp: () => this.#mysqlGivenUp(),
      onFenced: () => this.#stop({ kind: 'lock-lost', message: 'another consumer has begun' }),
      findOpenIds: (name, ids) => this.#positions.findOpenIds(name, ids),
      onOpened: (prunedIds) => this.#checkPruned(prunedIds),
    });
  }

  #createCrossPoolEffects(): CrossPoolEffects {
    const { poller, session, budget } = this.#options;
    return new CrossPoolEffects({
      redisPools: poller.registry.redisPools,
      consumer: session.consumer,
      token: randomBytes(16).toString('base64url'),
      budget,
      logger: poller.logger,
      refusals: this.#refusals,
      isLockHeld: () => session.lock.isHeld(),
      isSettled: async (marker) => {
        const [name = '', id = ''] = marker.split(' ');
        return (await this.#positions.findOpenIds(name, [id])).size === 0;
      },
    });
  }

  async #drainStreams(): Promise<void> {
    await this.#options.poller.failpoint?.('locked');
    for (const channel of this.#options.channels)
      this.#streams.set(channel.channel.stream, this.#openStream(channel));
    for (const [name, ids] of this.#options.survived) await this.#streams.get(name)?.attempts.forget(ids);
    // One stream that fails must not end the others' work, and must not wait for them either.
    await Promise.all([...this.#streams].map(([name, stream]) => this.#runStream(name, stream)));
  }

  async #runStream(name: string, stream: StreamDrain): Promise<void> {
    const { session, isTail, budget } = this.#options;
    try {
      const failure = session.failed.get(name);
      if (failure !== undefined) {
        if (await this.#recovery.untilReadable(name, failure)) this.#restart(`stream '${name}' can be read`);
        return;
      }
      await stream.run();
      // Too many of its entries stay pending: only a new drain tries them again.
      if (isTail && budget.mayRead) this.#restart(`too many entries of stream '${name}' stay pending`);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { redis } = this.#options.session;
    const code = redisErrorCode(error);
    if (code === LOCK_LOST) void this.#lockLost();
    else if (redis.status !== 'ready') this.#stop({ kind: 'redis-lost' });
    else this.#stop({ kind: code === SET_BACK ? 'restart' : 'redis-lost', message: this.#describe(error) });
  }

  #describe(error: unknown): string {
    const code = refusalCodeOf(error);
    if (code === undefined) return `Redis answers: ${error instanceof Error ? error.message : String(error)}`;
    const { message, nextStep } = describeRefusal(this.#options.pool.code, code);
    return withNextStep(message, nextStep);
  }

  /**
   * A lock that nobody holds was deleted, or has run out. Another consumer may have held it meanwhile: a drain that waits
   * for new entries begins a new epoch, any other ends.
   */
  async #lockLost(): Promise<void> {
    const { session, isTail } = this.#options;
    const holder = await session.lock.findHolder().catch(() => undefined);
    if (session.redis.status !== 'ready') this.#stop({ kind: 'redis-lost' });
    else if (holder === 'another')
      this.#stop({ kind: 'lock-lost', message: 'another consumer has taken the lock' });
    else {
      const message = 'the lock was deleted, or has run out before it could be refreshed';
      this.#stop({ kind: isTail ? 'restart' : 'lock-lost', message });
    }
  }

  /** Ends this drain in an orderly way, so that a new one begins. */
  #restart(message: string): void {
    if (this.#end.kind === 'done') this.#end = { kind: 'restart', message };
    this.#options.budget.stop();
  }

  #warn(message: string, facts: Record<string, unknown>): void {
    const { poller, pool, budget } = this.#options;
    if (budget.mayRead) poller.logger.warn(message, { pool: pool.code, ...facts });
  }

  #openStream({ channel, stats }: DrainedChannel): StreamDrain {
    const { poller, session, budget, sharedLock } = this.#options;
    const group = session.groups.get(channel.stream);
    if (group === undefined) throw new Error(`no group for stream ${channel.stream}`);
    const newEntries = this.#createNewEntries(channel.stream, group);
    const processor = channel.open({
      registry: poller.registry,
      logger: poller.logger,
      budget,
      executor: poller.executor,
      pool: this.#options.pool,
      session,
      fenced: group,
      ledgerName: ledgerName(this.#options.pool, channel.stream),
      mysql: this.#mysql,
      crossPool: this.#crossPool,
      settler: this.#settler,
      refusals: this.#refusals,
      failpoint: poller.failpoint,
    });
    this.#processors.push(processor);
    return new StreamDrain({
      redis: session.redis,
      group,
      lastDelivered: session.lastDelivered.get(channel.stream) ?? '0-0',
      processor,
      budget,
      logger: poller.logger,
      failpoint: poller.failpoint,
      sharedLock,
      newEntries,
      recover: (error, stream) => this.#recovery.recover(channel.stream, error, stream),
      onOutcome: (outcome) => stats.add(outcome),
    });
  }

  #createNewEntries(name: string, { stream, group }: FencedGroup): NewEntries | undefined {
    const { pool, budget, isTail } = this.#options;
    if (!isTail) return undefined;
    const newEntries = new NewEntries({
      connect: () => connectRedis(pool),
      stream,
      group,
      signal: budget.reading,
      onError: (error) =>
        this.#warn('waiting for new entries failed, restarting the stream', {
          stream: name,
          code: redisErrorCode(error),
        }),
    });
    this.#waiting.push(newEntries);
    return newEntries;
  }

  #checkPruned(prunedIds: Readonly<Record<string, string>>): boolean {
    const message = this.#positions.describeBehind(prunedIds);
    if (message !== undefined) this.#stop({ kind: 'behind', message });
    return message === undefined;
  }

  /**
   * While a MySQL pool is down, a drain that waits for new entries keeps the pool's statements in their lanes, in order,
   * and continues with the other pools. It gives the pool up only for a possible poison entry; then it starts over soon. A
   * drain that ends once its streams are empty continues with the other pools.
   */
  #mysqlGivenUp(): void {
    if (this.#options.isTail)
      setTimeout(() => this.#restart('a MySQL pool could not be used'), GIVEN_UP_MS).unref();
  }

  #stop(end: Pick<PoolDrainEnd, 'kind' | 'message'>): void {
    if (this.#end.kind === 'done') this.#end = end;
    this.#options.budget.stop();
    this.#stopProcessing();
  }

  #stopProcessing(): void {
    this.#mysql.stop();
    for (const processor of this.#processors) processor.stop?.();
  }

  /** After the reading has ended, entries that were read may still be executed until the time reserved for settling. */
  #stopWhenDue(): void {
    const { budget } = this.#options;
    setTimeout(() => this.#stopProcessing(), Math.max(0, budget.executeUntil - Date.now())).unref();
  }

  async #upkeep(): Promise<void> {
    for (const stream of this.#streams.values()) stream.recheckDemand();
    await this.#mysql.prune().catch(() => undefined);
    await this.#options.poller.failpoint?.('pruned');
  }

  #shutDown(): Promise<boolean> {
    const { poller, session, budget } = this.#options;
    const { kind } = this.#end;
    return shutDown({
      session,
      streams: this.#streams.values(),
      positions: this.#positions,
      remaining: this.#remaining,
      mysql: this.#mysql,
      budget,
      logger: poller.logger,
      failpoint: poller.failpoint,
      end: kind === 'restart' ? 'done' : kind === 'done' || kind === 'behind' ? kind : 'other',
    });
  }

  #close(): void {
    const { redis, lock } = this.#options.session;
    this.#stopProcessing();
    for (const waiting of this.#waiting) waiting.restart();
    lock.abandon();
    redis.removeAllListeners('end');
    redis.disconnect();
    this.#crossPool.close();
  }
}
