import type { AbsentGroups } from '../../../shared/drain-rules.ts';
import type { Logger } from '../../../shared/logging.ts';
import type { StageFailure } from '../../../shared/operations.ts';
import type { SqlExecutor } from '../../../shared/protocol.ts';
import type { PollerRegistry, RedisPool } from '../../../shared/registry/types.ts';
import type { SearchSettings } from '../../../shared/search-settings.ts';
import type { DrainBudget } from '../budget.ts';
import type { MysqlPools } from '../lanes/mysql-pools.ts';
import type { Failpoint } from '../poller-options.ts';
import type { RedisSession } from '../redis/session.ts';
import type { FencedGroup, StreamEntry } from '../redis/stream-reads.ts';
import type { CrossPoolEffects } from '../settlement/cross-pool-effects.ts';
import type { Done } from '../settlement/entry-outcome.ts';
import type { Settler } from '../settlement/settler.ts';

/** What a drain does with the entries of one stream for one consumer group. */
export interface Channel {
  /** As it stands in summaries. */
  readonly name: string;
  /** Stream and group as the registry names them. */
  readonly stream: string;
  readonly group: string;
  /** Begins the work of one drain. */
  open(context: ChannelContext): ChannelWork;
  /** Why a function that its entries are handed to can't be invoked; undefined where it can. Does not run it. */
  probe?(): Promise<StageFailure | undefined>;
}

export interface ChannelWork {
  /**
   * Does what the entry asks for and settles it, then calls `done` once. Called in the order of the stream, without
   * waiting for the entry before: what must keep an order is decided in this very turn.
   */
  handle(entry: StreamEntry, done: Done): void;
  /** Called when nothing more will be handed over. */
  readingEnded?(): void;
  /** Leaves what is not in flight; called when the drain ends early. */
  stop?(): void;
  /**
   * Whether the work counts by itself, in Redis, how often it has tried an entry. Then reading an entry doesn't count,
   * and one that is left or was tried often is nothing that other entries must wait for.
   */
  readonly countsAttempts?: boolean;
  /** Whether a suspect of another stream need not wait for this work, which may take long and executes no statement. */
  readonly runsBeside?: boolean;
  /** Whether there is enough to do for now, so that reading on can wait until some of it is done. */
  isSaturated?(): boolean;
  /** How much may be read and not settled; by default some thousand entries. */
  readonly held?: { readonly entries: number; readonly bytes: number; readonly page: number };
}

/** What a channel is given by the drain that it is part of. */
export interface ChannelContext {
  readonly registry: PollerRegistry;
  readonly logger: Logger;
  readonly budget: DrainBudget;
  /** Verbs in upper case. */
  readonly allowedStatements: ReadonlySet<string>;
  /** For reads; what changes something goes through `mysql`. */
  readonly executor: SqlExecutor;
  readonly search?: SearchSettings;
  readonly absentGroups?: AbsentGroups;
  readonly collectsGarbage?: boolean;
  /** The streams that are bound to handlers. */
  readonly ownStreams?: readonly Channel[];
  /** The stream's own Redis pool. */
  readonly pool: RedisPool;
  readonly session: RedisSession;
  /** Stream and group as they stand in Redis. */
  readonly fenced: FencedGroup;
  /** Redis pool and stream, as the ledger names them. */
  readonly ledgerName: string;
  readonly mysql: MysqlPools;
  readonly others: CrossPoolEffects;
  readonly settler: Settler;
  readonly failpoint: Failpoint | undefined;
}
