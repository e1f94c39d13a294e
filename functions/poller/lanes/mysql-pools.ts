import type { Logger } from '../../../shared/logging.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import type { DrainBudget } from '../budget.ts';
import type { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import { type FindOpenIds, LedgerRows } from '../ledger/ledger-rows.ts';
import { LedgerSession } from '../ledger/ledger-session.ts';
import { type DeferredItem, PENDING, type WorkItem, type WorkResult } from '../ledger/work-item.ts';
import { NO_LANE } from './lane-counts.ts';
import { type LaneLimits, Lanes } from './lanes.ts';
import type { Ordering } from './ordering.ts';

export interface MysqlPoolsOptions {
  readonly executor: SqlExecutor;
  readonly consumer: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly concurrencyLimit: ConcurrencyLimit;
  readonly limits: LaneLimits;
  readonly createOrdering: () => Ordering;
  readonly isLockHeld: () => Promise<boolean>;
  /** True if statements may wait for a pool that cannot be used, without a limit. */
  readonly mayWait: () => boolean;
  readonly onGivenUp: () => void;
  readonly onFenced: () => void;
  readonly findOpenIds: FindOpenIds;
  /** Receives each stream's highest entry ID that a pool can no longer look up. False: the drain must not continue. */
  readonly onOpened: (prunedIds: Readonly<Record<string, string>>) => boolean;
}

/** Statements and log rows have lanes of their own. */
export type LaneKind = 'statements' | 'logRows';

/** Maximum number of log rows in a batch: during a flood of log rows a statement waits for at most one such batch. */
const MAX_LOG_ROWS = 500;

interface PoolLanes {
  readonly session: LedgerSession;
  readonly rows: LedgerRows;
  readonly statements: Lanes;
  readonly logRows: Lanes;
}

/**
 * Log rows are appended to tables that no statement reads: they keep no order among themselves, and each waits only for
 * the statement that it describes.
 */
const APPEND_ONLY: Ordering = {
  isExact: false,
  laneToFollow: () => NO_LANE,
  assigned: () => undefined,
  finished: () => undefined,
};

/** The MySQL pools of a drain, each with its epoch and lanes; a pool that is down does not delay the others. */
export class MysqlPools {
  readonly #options: MysqlPoolsOptions;
  readonly #pools = new Map<string, PoolLanes>();

  constructor(options: MysqlPoolsOptions) {
    this.#options = options;
  }

  readonly pushStatement = (pool: string, item: WorkItem): void => this.#lanesOf(pool).statements.push(item);

  readonly pushLogRow = (pool: string, item: WorkItem): void => this.#lanesOf(pool).logRows.push(item);

  /**
   * Finishes an item with what an earlier epoch applied, or with `otherwise`. It is never run. It stays pending if the
   * ledger cannot be read.
   */
  readonly lookUp = (pool: string, item: WorkItem, otherwise: WorkResult): void => {
    const { session, rows } = this.#lanesOf(pool);
    session.open().then(
      (isOpen) => {
        const isAnswer = isOpen && !session.isOver;
        const earlier = isAnswer ? rows.find(item.entry, item.key) : undefined;
        const isApplied = earlier?.result.kind === 'applied';
        if (isAnswer) item.finish(isApplied ? earlier.result : otherwise, earlier?.row);
        else item.finish(PENDING);
      },
      () => item.finish(PENDING),
    );
  };

  /** True if an answering pool has enough queued. A pool that does not answer is ignored, so that others still get entries. */
  isSaturated(kind: LaneKind): boolean {
    for (const lanes of this.#pools.values())
      if (lanes[kind].isSaturated && lanes.session.isAnswering) return true;
    return false;
  }

  /** Pools that cannot be used now, and why. */
  get failures(): ReadonlyMap<string, PoolFailure> {
    const failures = new Map<string, PoolFailure>();
    for (const [code, { session }] of this.#pools)
      if (session.failure !== undefined) failures.set(code, session.failure);
    return failures;
  }

  /** By pool, the items that could not run, although others could. */
  get deferred(): ReadonlyMap<string, readonly DeferredItem[]> {
    const deferred = new Map<string, readonly DeferredItem[]>();
    for (const [code, { statements, logRows }] of this.#pools) {
      const items = [...statements.deferred, ...logRows.deferred];
      if (items.length > 0) deferred.set(code, items);
    }
    return deferred;
  }

  /** Everything that is not in flight stays pending. */
  stop(): void {
    for (const { statements, logRows } of this.#pools.values()) {
      statements.stop();
      logRows.stop();
    }
  }

  async prune(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ rows }) => rows.prune()));
  }

  #lanesOf(code: string): PoolLanes {
    const known = this.#pools.get(code);
    if (known !== undefined) return known;
    const lanes = this.#createLanes(code);
    this.#pools.set(code, lanes);
    return lanes;
  }

  #createLanes(pool: string): PoolLanes {
    const { limits, findOpenIds, createOrdering, logger } = this.#options;
    const session = this.#createSession(pool, (page) => rows.addEarlier(page));
    const rows = new LedgerRows(session, findOpenIds);
    const logLimits = { ...limits, lanes: 1, batchItems: Math.min(limits.batchItems, MAX_LOG_ROWS) };
    return {
      session,
      rows,
      statements: new Lanes(session, rows, createOrdering(), limits, logger),
      logRows: new Lanes(session, rows, APPEND_ONLY, logLimits, logger),
    };
  }

  #createSession(pool: string, onEarlierRows: LedgerRows['addEarlier']): LedgerSession {
    const { executor, concurrencyLimit, consumer, budget, logger } = this.#options;
    const { isLockHeld, mayWait, onGivenUp, onFenced, onOpened } = this.#options;
    return new LedgerSession({
      executor,
      concurrencyLimit,
      pool,
      consumer,
      budget,
      logger,
      isLockHeld,
      mayWait,
      onGivenUp,
      onFenced,
      onOpened,
      onEarlierRows,
    });
  }
}
