/** What became of an entry, and what this drain did for it. */
export interface EntryOutcome {
  /** False: it stays pending. */
  readonly isSettled: boolean;
  readonly statements: number;
  readonly logRows: number;
  readonly dirtyEvents: number;
  readonly cacheKeys: number;
  readonly failed: number;
  readonly isDeadLetter: boolean;
  /** Documents of search indexes that were written, even if the entry is not settled yet. */
  readonly documents?: number;
  /** Entries that garbage collection has deleted, even if the entry is not settled yet. */
  readonly trimmed?: number;
}

/** A callback rather than a promise: with thousands of entries in progress, each would keep several promises in memory. */
export type Done = (outcome: EntryOutcome | Promise<EntryOutcome>) => void;

/** Settled, with nothing in MySQL or Redis to count. */
export const SETTLED: EntryOutcome = {
  isSettled: true,
  statements: 0,
  logRows: 0,
  dirtyEvents: 0,
  cacheKeys: 0,
  failed: 0,
  isDeadLetter: false,
};

export const STAYS_PENDING: EntryOutcome = { ...SETTLED, isSettled: false };

export const DEAD_LETTERED: EntryOutcome = { ...SETTLED, failed: 1, isDeadLetter: true };
