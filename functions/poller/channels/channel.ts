import type { Logger } from '../../../shared/logging.ts';
import type { StageFailure } from '../../../shared/operations.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import type { DrainBudget } from '../budget.ts';
import type { Failpoint } from '../failpoints.ts';
import type { MysqlPools } from '../lanes/mysql-pools.ts';
import type { FencedGroup } from '../redis/fenced-group.ts';
import type { RedisSession } from '../redis/session.ts';
import type { StreamEntry } from '../redis/stream-entry.ts';
import type { CrossPoolEffects } from '../settlement/cross-pool-effects.ts';
import type { Done } from '../settlement/entry-outcome.ts';
import type { RefusalLog } from '../settlement/refusal-log.ts';
import type { Settler } from '../settlement/settler.ts';

/** What the consumer does with the entries of one stream for one group. A channel gets its settings when it is created. */
export interface Channel {
  /** As in summaries. */
  readonly name: string;
  /** Stream and group as the registry names them. */
  readonly stream: string;
  readonly group: string;
  /** Called once for each drain. */
  open(context: ChannelContext): EntryProcessor;
  /** Why the function that handles its entries cannot be invoked; undefined if it can. Does not run the function. */
  probe?(): Promise<StageFailure | undefined>;
}

/** Processes the entries of one channel during one drain. */
export interface EntryProcessor {
  /**
   * Does what the entry asks for and settles it, then calls `done` once. Called in stream order, without waiting for the
   * previous entry: everything that keeps an order must be decided before this call returns.
   */
  process(entry: StreamEntry, done: Done): void;
  /** Called when no more entries will follow. */
  readingEnded?(): void;
  /** Leaves everything that is not in flight pending; called when the drain ends early. */
  stop?(): void;
  /**
   * True if the channel counts attempts itself, in Redis. Then reading an entry does not count as an attempt, and no other
   * entry waits for one that was tried often.
   */
  readonly countsAttempts?: boolean;
  /** True if it runs no statements, so that a possible poison entry of another stream can run at the same time. */
  readonly runsIndependently?: boolean;
  /** True if it has enough to do for now, so that reading can pause. */
  isSaturated?(): boolean;
  /** How much may be read and not yet settled; some thousand entries by default. */
  readonly readWindow?: WindowLimits;
}

export interface WindowLimits {
  readonly entries: number;
  readonly bytes: number;
  /** Maximum number of entries in one page. */
  readonly page: number;
}

/** What a drain provides to the channel that it opens. */
export interface ChannelContext {
  readonly registry: PollerRegistry;
  readonly logger: Logger;
  readonly budget: DrainBudget;
  /** For reads only; statements go through `mysql`. */
  readonly executor: SqlExecutor;
  /** The stream's own Redis pool. */
  readonly pool: RedisPool;
  readonly session: RedisSession;
  /** Stream and group as named in Redis. */
  readonly fenced: FencedGroup;
  /** Redis pool and stream, as the ledger names them. */
  readonly ledgerName: string;
  readonly mysql: MysqlPools;
  readonly crossPool: CrossPoolEffects;
  readonly settler: Settler;
  readonly refusals: RefusalLog;
  readonly failpoint: Failpoint | undefined;
}
