/** Entries of one kind. Programs that do not read streams get the same work as statements. */
export interface Load {
  /** Identifies the load, including its size. */
  readonly key: string;
  readonly entries: number;
  /** Number of rows that a table contains before the run, by table. */
  readonly initialRows: Readonly<Record<string, number>>;
  /** The entry with this index, counted from 0. */
  entry(index: number): LoadEntry;
  /** The entry's only statement; undefined if the entry has more than that. */
  statement(index: number): string | undefined;
  /** What must be true after the run. */
  readonly outcome: readonly Expectation[];
}

export interface LoadEntry {
  readonly stream: string;
  /** The value of the field `s`. */
  readonly body: Buffer;
}

/** A query and the number that it must return. */
interface Expectation {
  readonly query: string;
  readonly expected: number;
}

export const LAZY_STREAM = 'orm-lazy-channel';
export const LOG_STREAM = 'orm-log-channel';
