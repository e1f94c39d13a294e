import type { Tables } from '../kit/read-tables.ts';
import type { DirtyEvent } from './wire.ts';

/** What must be there once a history is consumed, whoever says so: the oracle, or a recorded fixture. */
export type Outcome = {
  readonly tables: Tables;
  /** The columns that rows are known by, in order of preference; a table without any is a multiset of rows. */
  readonly identity: readonly string[];
  /**
   * Ids that MySQL chose, by `schema.table`. Failed inserts use up ids, so they are compared by their order, and
   * mapped wherever they appear in log rows, dirty events and cache keys.
   */
  readonly autoIds: ReadonlyMap<string, ReadonlySet<string>>;
  /** `schema.table` of the rows that a log table (`schema._log_…`) or a dirty event's entity (`main.X`) is about. */
  readonly entityTables: ReadonlyMap<string, string>;
  /** All events in each dirty stream, those before the consumption included; in order for each entity. */
  readonly dirtyEvents: ReadonlyMap<string, readonly DirtyEvent[]>;
  /** Must not exist afterwards. */
  readonly goneKeys: readonly CacheKey[];
  /** Must still exist afterwards: nothing that took effect deletes them. */
  readonly keptKeys: readonly CacheKey[];
  readonly deadLetters: readonly ExpectedDeadLetter[];
};

export type CacheKey = {
  readonly pool: string;
  readonly key: string;
  /** Where the key ends in the id of a row that is inserted. */
  readonly row?: { readonly table: string; readonly id: string };
};

export type ExpectedDeadLetter = {
  readonly stream: string;
  /** Id of the entry that failed. */
  readonly id: string;
  readonly kind: FailureClass;
  /** MySQL's number of the first failure, of kind `mysql`. */
  readonly errno?: number;
  /** Of a lazy event that MySQL refused a part of: the indexes of what is left to do. Fixtures don't tell. */
  readonly unapplied?: Record<'statements' | 'logs' | 'dirty', readonly number[]>;
};

/** `wire`: can't be decoded; `pool`: names an unknown pool; `policy`: a refused statement; `mysql`: MySQL refused. */
export type FailureClass = 'wire' | 'pool' | 'policy' | 'mysql';
