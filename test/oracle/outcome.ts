import type { Tables } from '../kit/read-tables.ts';
import type { DirtyEvent } from './wire.ts';

/** The state that a consumed history must result in, as computed by the oracle or recorded in a fixture. */
export type Outcome = {
  readonly tables: Tables;
  /** The columns that identify rows, in order of preference. A table without them is a multiset of rows. */
  readonly identity: readonly string[];
  /**
   * Ids that MySQL chose, by `schema.table`. Failed inserts use up ids, so only the order of these ids is compared, and
   * they are mapped wherever they appear in log rows, dirty events and cache keys.
   */
  readonly autoIds: ReadonlyMap<string, ReadonlySet<string>>;
  /** The `schema.table` that a log table (`schema._log_…`) or the entity of a dirty event (`main.X`) refers to. */
  readonly entityTables: ReadonlyMap<string, string>;
  /** All events in each dirty stream, including those from before the drain, in order for each entity. */
  readonly dirtyEvents: ReadonlyMap<string, readonly DirtyEvent[]>;
  /** Keys that must not exist after the drain. */
  readonly deletedKeys: readonly CacheKey[];
  /** Keys that must still exist after the drain, because no applied statement deletes them. */
  readonly keptKeys: readonly CacheKey[];
  readonly deadLetters: readonly ExpectedDeadLetter[];
};

export type CacheKey = {
  readonly pool: string;
  readonly key: string;
  /** The inserted row whose id the key ends in. */
  readonly row?: { readonly table: string; readonly id: string };
};

export type ExpectedDeadLetter = {
  readonly stream: string;
  /** The id of the entry that failed. */
  readonly id: string;
  readonly kind: FailureClass;
  /** MySQL's error number of the first failure, for the kind `mysql`. */
  readonly errno?: number;
  /** The indexes of the remaining work, if MySQL refused a part of a lazy event. Fixtures don't record them. */
  readonly unapplied?: Record<'statements' | 'logs' | 'dirty', readonly number[]>;
};

/**
 * `wire`: the entry can't be decoded. `pool`: it names an unknown pool. `policy`: the policy refuses one of its
 * statements. `mysql`: MySQL refused a statement.
 */
export type FailureClass = 'wire' | 'pool' | 'policy' | 'mysql';
