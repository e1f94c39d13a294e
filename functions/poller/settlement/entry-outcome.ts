import type { TrackedRow } from '../ledger/tracked-row.ts';

/** What became of an entry, and what was done for it in this drain. */
export interface EntryOutcome {
  /** False: it stays pending. */
  readonly isSettled: boolean;
  readonly statements: number;
  readonly logRows: number;
  readonly dirtyEvents: number;
  readonly cacheKeys: number;
  readonly failed: number;
  readonly isDeadLetter: boolean;
  /** Documents of search indexes that were written, also where the entry is not settled yet. */
  readonly documents?: number;
  /** Entries that garbage collection has deleted, also where the entry is not settled yet. */
  readonly trimmed?: number;
  /** LedgerSql rows that hold what it did. */
  readonly rows: readonly TrackedRow[];
}

/** A function and no promise: of the many entries that are under way at once, each would hold several in memory. */
export type Done = (outcome: EntryOutcome | Promise<EntryOutcome>) => void;

const NOTHING: EntryOutcome = {
  isSettled: true,
  statements: 0,
  logRows: 0,
  dirtyEvents: 0,
  cacheKeys: 0,
  failed: 0,
  isDeadLetter: false,
  rows: [],
};

/** Settled, with nothing in MySQL or Redis to count. */
export const SETTLED: EntryOutcome = NOTHING;

export const STAYS_PENDING: EntryOutcome = { ...NOTHING, isSettled: false };

export const DEAD_LETTERED: EntryOutcome = { ...NOTHING, failed: 1, isDeadLetter: true };
