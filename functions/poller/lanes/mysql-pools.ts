import type { Logger } from '../../../shared/logging.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import type { DrainBudget } from '../budget.ts';
import type { ConcurrencyLimit } from '../ledger/concurrency-limit.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import { type FindOpenIds, LedgerRows } from '../ledger/ledger-rows.ts';
import { LedgerSession } from '../ledger/ledger-session.ts';
import type { TrackedRow } from '../ledger/tracked-row.ts';
import type { WorkItem } from '../ledger/work-item.ts';
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
  readonly onGivenUp: () => void;
  readonly onFenced: () => void;
  readonly findOpenIds: FindOpenIds;
  /** Per stream, the highest entry id that a pool can no longer look up. False: the drain must not go on. */
  readonly onOpened: (prunedIds: Readonly<Record<string, string>>) => boolean;
}

/** Two kinds of work, each with lanes of its own. */
export type LaneKind = 'statements' | 'logRows';

/** In a batch: while a flood of them is executed, a statement waits for one batch's time. */
const MAX_LOG_ROWS = 500;

interface MysqlPoolWork {
  readonly session: LedgerSession;
  readonly rows: LedgerRows;
  readonly statements: Lanes;
  readonly logRows: Lanes;
}

/**
 * Log rows are appended to tables of their own, which no statement reads: they keep no order among themselves, and wait
 * for nothing but the statement that they tell of.
 */
const APPENDING: Ordering = {
  isExact: false,
  laneToFollow: () => 0,
  assigned: () => undefined,
  finished: () => undefined,
};

/** All work of a drain in MySQL, by MySQL pool; one that is down holds nothing else up. */
export class MysqlPools {
  readonly #options: MysqlPoolsOptions;
  readonly #pools = new Map<string, MysqlPoolWork>();

  constructor(options: MysqlPoolsOptions) {
    this.#options = options;
  }

  readonly pushStatement = (pool: string, item: WorkItem): void => this.#pool(pool).statements.push(item);

  readonly pushLogRow = (pool: string, item: WorkItem): void => this.#pool(pool).logRows.push(item);

  /** Whether a pool that answers has enough to do for now. Any other says nothing: others may be waiting for theirs. */
  isSaturated(kind: LaneKind): boolean {
    for (const work of this.#pools.values())
      if (work[kind].isSaturated && work.session.isAnswering) return true;
    return false;
  }

  /** Pools that can't be used now, and why. */
  get failures(): ReadonlyMap<string, PoolFailure> {
    const failures = new Map<string, PoolFailure>();
    for (const [code, { session }] of this.#pools)
      if (session.failure !== undefined) failures.set(code, session.failure);
    return failures;
  }

  entrySettled(rows: readonly TrackedRow[]): void {
    for (const row of rows) row.owner.entrySettled(row);
  }

  /** Leaves all that is not in flight. */
  stop(): void {
    for (const { statements, logRows } of this.#pools.values()) {
      statements.stop();
      logRows.stop();
    }
  }

  async prune(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ rows }) => rows.prune()));
  }

  #pool(code: string): MysqlPoolWork {
    const known = this.#pools.get(code);
    if (known !== undefined) return known;
    const work = this.#start(code);
    this.#pools.set(code, work);
    return work;
  }

  #start(pool: string): MysqlPoolWork {
    const { limits, findOpenIds } = this.#options;
    const session: LedgerSession = new LedgerSession({
      ...this.#options,
      pool,
      onEarlierRows: (page) => rows.addEarlier(page),
    });
    const rows = new LedgerRows(session, findOpenIds);
    const logLimits = { ...limits, lanes: 1, batchItems: Math.min(limits.batchItems, MAX_LOG_ROWS) };
    return {
      session,
      rows,
      statements: new Lanes(session, rows, this.#options.createOrdering(), limits),
      logRows: new Lanes(session, rows, APPENDING, logLimits),
    };
  }
}
