import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import type { ChannelWork } from '../channels/channel.ts';
import { MysqlPools } from '../lanes/mysql-pools.ts';
import type { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import type { Failpoint, PollerOptions } from '../poller-options.ts';
import { connectRedis } from '../redis/connection.ts';
import { NewEntries } from '../redis/new-entries.ts';
import type { RedisSession } from '../redis/session.ts';
import { CrossPoolEffects } from '../settlement/cross-pool-effects.ts';
import { Settler } from '../settlement/settler.ts';
import { type DrainedChannel, RemainingEntries } from './remaining-entries.ts';
import type { SharedLock } from './shared-lock.ts';
import { StreamDrain } from './stream-drain.ts';
import { ledgerName, StreamPositions } from './stream-positions.ts';

const UPKEEP_MS = 2000;

const GIVEN_UP_MS = 1000;

/** What taking stock, and the release of the lock, may take at least, budget or not. */
const MIN_SHUTDOWN_MS = 400;
const RELEASE_MS = 300;

export interface PoolDrainOptions {
  readonly poller: PollerOptions;
  readonly pool: RedisPool;
  readonly session: RedisSession;
  readonly channels: readonly DrainedChannel[];
  readonly budget: DrainBudget;
  readonly concurrencyLimit: ConcurrencyLimit;
  readonly sharedLock: SharedLock;
  readonly isTail: boolean;
  /** What an earlier PoolDrain of this process had in hand when it lost Redis, by stream. */
  readonly outlived: EntriesInHand;
}

/** Ids by stream, named as the registry does. */
export type EntriesInHand = ReadonlyMap<string, readonly string[]>;

/** `lock-lost`: another consumer has begun. `redis-lost`: the connection is gone. `behind`: see `message`. */
export interface PoolDrainEnd {
  readonly kind: 'done' | 'lock-lost' | 'redis-lost' | 'behind';
  readonly message?: string;
  readonly mysqlFailures: ReadonlyMap<string, PoolFailure>;
  readonly inHand: EntriesInHand;
  /** Whether the counts of what is left are of the drain's end. */
  readonly isRemainingKnown: boolean;
  /** Whether it was the time that ended the reading: then what is left may never have been tried. */
  readonly isBudgetOver: boolean;
}

/** Drains the streams of one Redis pool under its lock, in one epoch of the ledger. */
export class PoolDrain {
  readonly #options: PoolDrainOptions;
  readonly #positions: StreamPositions;
  readonly #mysql: MysqlPools;
  readonly #others: CrossPoolEffects;
  readonly #left: RemainingEntries;
  readonly #streams = new Map<string, StreamDrain>();
  readonly #waiting: NewEntries[] = [];
  readonly #works: ChannelWork[] = [];
  readonly #settler: Settler;
  readonly #failpoint: Failpoint | undefined;
  #isRemainingKnown = false;
  #end: Pick<PoolDrainEnd, 'kind' | 'message'> = { kind: 'done' };

  constructor(options: PoolDrainOptions) {
    this.#options = options;
    this.#failpoint = options.poller.failpoint;
    const { poller, session, budget, concurrencyLimit } = options;
    this.#left = new RemainingEntries(session, options.channels);
    this.#positions = new StreamPositions(options.pool, session, this.#streams);
    const isLockHeld = () => session.lock.isHeld();
    this.#settler = new Settler({ ...poller, redis: session.redis, budget });
    this.#mysql = new MysqlPools({
      ...poller,
      consumer: session.consumer,
      budget,
      concurrencyLimit,
      isLockHeld,
      onGivenUp: () => this.#mysqlGivenUp(),
      onFenced: () => this.#stop({ kind: 'lock-lost' }),
      findOpenIds: (name, ids) => this.#positions.findOpenIds(name, ids),
      onOpened: (prunedIds) => this.#checkPruned(prunedIds),
    });
    this.#others = new CrossPoolEffects({
      redisPools: poller.registry.redisPools,
      consumer: session.consumer,
      token: randomBytes(16).toString('base64url'),
      budget,
      logger: poller.logger,
      isLockHeld,
      isSettled: async (marker) => {
        const [name = '', id = ''] = marker.split(' ');
        return (await this.#positions.findOpenIds(name, [id])).size === 0;
      },
    });
  }

  async run(): Promise<PoolDrainEnd> {
    const { session, budget } = this.#options;
    session.redis.once('end', () => this.#stop({ kind: 'redis-lost' }));
    session.lock.keep(() => this.#stop({ kind: 'lock-lost' }));
    const upkeep = setInterval(() => void this.#upkeep(), UPKEEP_MS);
    if (budget.mayRead) budget.reading.addEventListener('abort', () => this.#stopWhenDue(), { once: true });
    else this.#stopWhenDue();
    try {
      await Promise.race([this.#drainStreams(), this.#untilOver()]);
      await this.#shutDown();
    } finally {
      clearInterval(upkeep);
      await this.#close();
    }
    const inHand = new Map([...this.#streams].map(([name, stream]) => [name, stream.idsInHand]));
    const isBudgetOver = !budget.mayRead;
    return {
      ...this.#end,
      ...{
        mysqlFailures: this.#mysql.failures,
        inHand,
        isRemainingKnown: this.#isRemainingKnown,
        isBudgetOver,
      },
    };
  }

  async #drainStreams(): Promise<void> {
    await this.#failpoint?.('locked');
    for (const channel of this.#options.channels)
      this.#streams.set(channel.channel.stream, await this.#streamDrain(channel));
    for (const [name, ids] of this.#options.outlived) await this.#streams.get(name)?.setBackDeliveries(ids);
    const runs = [...this.#streams.values()].map((stream) => stream.run());
    // One that fails (Redis is gone, the lock is lost) ends all, but not before the others have seen it too.
    const results = await Promise.allSettled(runs);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) this.#failed(failed.reason);
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const { redis } = this.#options.session;
    if (text.includes('LOCKLOST')) this.#stop({ kind: 'lock-lost' });
    else if (redis.status !== 'ready') this.#stop({ kind: 'redis-lost' });
    else this.#stop({ kind: 'redis-lost', message: `Redis answers: ${text}` });
  }

  async #streamDrain({ channel, stats }: DrainedChannel): Promise<StreamDrain> {
    const { poller, pool, session, budget, sharedLock, isTail } = this.#options;
    const group = session.groups.get(channel.stream);
    if (group === undefined) throw new Error(`no group for stream ${channel.stream}`);
    let newEntries: NewEntries | undefined;
    if (isTail) {
      newEntries = new NewEntries(await connectRedis(pool), group.stream, group.group, budget.reading);
      this.#waiting.push(newEntries);
    }
    const work = channel.open({
      ...poller,
      pool,
      session,
      budget,
      fenced: group,
      ledgerName: ledgerName(pool, channel.stream),
      mysql: this.#mysql,
      others: this.#others,
      settler: this.#settler,
      failpoint: this.#failpoint,
    });
    this.#works.push(work);
    return new StreamDrain({
      redis: session.redis,
      group,
      work,
      budget,
      logger: poller.logger,
      failpoint: this.#failpoint,
      sharedLock,
      newEntries,
      onOutcome: (outcome) => {
        stats.add(outcome);
        if (outcome.isSettled) this.#mysql.entrySettled(outcome.rows);
      },
    });
  }

  #checkPruned(prunedIds: Readonly<Record<string, string>>): boolean {
    const message = this.#positions.describeBehind(prunedIds);
    if (message !== undefined) this.#stop({ kind: 'behind', message });
    return message === undefined;
  }

  /**
   * A drain that waits for new entries must not wait for hours without one of its MySQL pools: it ends soon, and the next
   * one tries again. One that ends with its streams goes on for the other pools.
   */
  #mysqlGivenUp(): void {
    if (this.#options.isTail) setTimeout(() => this.#options.budget.stop(), GIVEN_UP_MS).unref();
  }

  #stop(end: Pick<PoolDrainEnd, 'kind' | 'message'>): void {
    if (this.#end.kind === 'done') this.#end = end;
    this.#options.budget.stop();
    this.#stopWork();
  }

  #stopWork(): void {
    this.#mysql.stop();
    for (const work of this.#works) work.stop?.();
  }

  /** After the reading has ended, what is read may still be executed, up to the time that is kept for settling. */
  #stopWhenDue(): void {
    const { budget } = this.#options;
    setTimeout(() => this.#stopWork(), Math.max(0, budget.executeUntil - Date.now())).unref();
  }

  /** Whatever is still in flight then stays pending, and is looked up by the next run. */
  #untilOver(): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        const { remainingMs } = this.#options.budget;
        if (remainingMs === 0) resolve();
        else setTimeout(check, Math.min(remainingMs, 250)).unref();
      };
      check();
    });
  }

  async #upkeep(): Promise<void> {
    for (const stream of this.#streams.values()) stream.reconsiderReading();
    await this.#mysql.prune().catch(() => undefined);
    await this.#failpoint?.('pruned');
    await this.#left.read().catch(() => undefined);
  }

  /** What a graceful end does: an entry that is left has killed nobody, the ledger is tidied, the lock released. */
  async #shutDown(): Promise<void> {
    const { redis, lock } = this.#options.session;
    if (redis.status !== 'ready') return;
    if (this.#end.kind === 'behind') await this.#positions.giveBack().catch(() => undefined);
    // These two have a bound of their own: without the first an outage would make killers of what it held up, without the
    // last the lock would keep the next drain out.
    const least = sleep(MIN_SHUTDOWN_MS, undefined, { ref: false }).then(() => this.#untilOver());
    await Promise.race([this.#countRemaining().catch(() => undefined), least]);
    await Promise.race([this.#mysql.prune().catch(() => undefined), this.#untilOver()]);
    await this.#failpoint?.('releasing');
    await Promise.race([lock.release().catch(() => undefined), sleep(RELEASE_MS)]);
  }

  async #countRemaining(): Promise<void> {
    if (this.#end.kind === 'done')
      for (const stream of this.#streams.values()) await stream.setBackDeliveries();
    await this.#left.read();
    this.#isRemainingKnown = true;
    await this.#left.warnOfOtherConsumers(this.#options.poller.logger);
  }

  async #close(): Promise<void> {
    this.#stopWork();
    for (const waiting of this.#waiting) waiting.close();
    this.#options.session.lock.abandon();
    this.#options.session.redis.removeAllListeners('end');
    this.#options.session.redis.disconnect();
    this.#others.close();
  }
}
