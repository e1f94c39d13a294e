import { randomBytes } from 'node:crypto';
import { withNextStep } from '../../../shared/errors.ts';
import type { RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import type { EntryProcessor } from '../channels/channel.ts';
import { MysqlPools } from '../lanes/mysql-pools.ts';
import type { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import type { PollerOptions } from '../poller-options.ts';
import { connectRedis } from '../redis/connection.ts';
import { NewEntries } from '../redis/new-entries.ts';
import { describeRefusal, refusalCodeOf } from '../redis/refusals.ts';
import type { RedisSession } from '../redis/session.ts';
import type { FencedGroup } from '../redis/stream-reads.ts';
import { CrossPoolEffects } from '../settlement/cross-pool-effects.ts';
import { RefusalLog } from '../settlement/refusal-log.ts';
import { Settler } from '../settlement/settler.ts';
import { type DrainedChannel, RemainingEntries } from './remaining-entries.ts';
import type { SharedLock } from './shared-lock.ts';
import { shutDown, untilOver } from './shutdown.ts';
import { StreamDrain } from './stream-drain.ts';
import { ledgerName, StreamPositions } from './stream-positions.ts';

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

/** `lock-lost`: another consumer has begun. `redis-lost`: the connection is lost. `behind`: see `message`. */
export interface PoolDrainEnd {
  readonly kind: 'done' | 'lock-lost' | 'redis-lost' | 'behind';
  readonly message?: string;
  readonly mysqlFailures: ReadonlyMap<string, PoolFailure>;
  /** What Redis refused to write, with the next steps: entries stay pending. */
  readonly refusals: readonly string[];
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
    this.#mysql = this.#createMysqlPools();
    this.#crossPool = this.#createCrossPoolEffects();
  }

  async run(): Promise<PoolDrainEnd> {
    const { session, budget } = this.#options;
    session.redis.once('end', () => this.#stop({ kind: 'redis-lost' }));
    session.lock.keep(() => this.#stop({ kind: 'lock-lost' }));
    const upkeep = setInterval(() => void this.#upkeep(), UPKEEP_MS);
    if (budget.mayRead) budget.reading.addEventListener('abort', () => this.#stopWhenDue(), { once: true });
    else this.#stopWhenDue();
    try {
      await Promise.race([this.#drainStreams(), untilOver(budget)]);
      this.#isRemainingKnown = await this.#shutDown();
    } finally {
      clearInterval(upkeep);
      this.#close();
    }
    return {
      ...this.#end,
      mysqlFailures: this.#mysql.failures,
      refusals: this.#refusals.messages,
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
      onGivenUp: () => this.#mysqlGivenUp(),
      onFenced: () => this.#stop({ kind: 'lock-lost' }),
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
      this.#streams.set(channel.channel.stream, await this.#openStream(channel));
    for (const [name, ids] of this.#options.survived) await this.#streams.get(name)?.resetDeliveries(ids);
    const runs = [...this.#streams.values()].map((stream) => stream.run());
    // A stream that fails (Redis or the lock is lost) ends the drain, but not before the others have seen it too.
    const results = await Promise.allSettled(runs);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) this.#failed(failed.reason);
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const { redis } = this.#options.session;
    if (text.includes('LOCKLOST')) this.#stop({ kind: 'lock-lost' });
    else if (redis.status !== 'ready') this.#stop({ kind: 'redis-lost' });
    else this.#stop({ kind: 'redis-lost', message: this.#describe(error, text) });
  }

  #describe(error: unknown, text: string): string {
    const code = refusalCodeOf(error);
    if (code === undefined) return `Redis answers: ${text}`;
    const { message, nextStep } = describeRefusal(this.#options.pool.code, code);
    return withNextStep(message, nextStep);
  }

  async #openStream({ channel, stats }: DrainedChannel): Promise<StreamDrain> {
    const { poller, session, budget, sharedLock } = this.#options;
    const group = session.groups.get(channel.stream);
    if (group === undefined) throw new Error(`no group for stream ${channel.stream}`);
    const newEntries = await this.#waitForNewEntries(group);
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
      processor,
      budget,
      logger: poller.logger,
      failpoint: poller.failpoint,
      sharedLock,
      newEntries,
      onOutcome: (outcome) => stats.add(outcome),
    });
  }

  async #waitForNewEntries({ stream, group }: FencedGroup): Promise<NewEntries | undefined> {
    const { pool, budget, isTail } = this.#options;
    if (!isTail) return undefined;
    const newEntries = new NewEntries(await connectRedis(pool), stream, group, budget.reading);
    this.#waiting.push(newEntries);
    return newEntries;
  }

  #checkPruned(prunedIds: Readonly<Record<string, string>>): boolean {
    const message = this.#positions.describeBehind(prunedIds);
    if (message !== undefined) this.#stop({ kind: 'behind', message });
    return message === undefined;
  }

  /**
   * A drain that waits for new entries must not wait for hours without one of its MySQL pools: it ends soon, and the next
   * one tries again. A drain that ends once its streams are empty continues with the other pools.
   */
  #mysqlGivenUp(): void {
    if (this.#options.isTail) setTimeout(() => this.#options.budget.stop(), GIVEN_UP_MS).unref();
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
    await this.#remaining.read().catch(() => undefined);
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
      end: kind === 'done' || kind === 'behind' ? kind : 'other',
    });
  }

  #close(): void {
    const { redis, lock } = this.#options.session;
    this.#stopProcessing();
    for (const waiting of this.#waiting) waiting.close();
    lock.abandon();
    redis.removeAllListeners('end');
    redis.disconnect();
    this.#crossPool.close();
  }
}
