/** Work of one kind: the same as stream entries, and as statements for programs that know nothing of streams. */
export interface Load {
  /** Tells loads apart, their size included. */
  readonly key: string;
  readonly entries: number;
  /** Rows that stand in each table before, by table. */
  readonly rowsBefore: Readonly<Record<string, number>>;
  /** The entry at a place, from 0 on. */
  entry(place: number): LoadEntry;
  /** The entry's one statement; undefined where it is more than that. */
  statement(place: number): string | undefined;
  /** What must be true once all is done. */
  readonly outcome: readonly Expectation[];
}

export interface LoadEntry {
  readonly stream: string;
  /** Field `s`. */
  readonly body: Buffer;
}

/** A query for one number, and the number. */
interface Expectation {
  readonly query: string;
  readonly expected: number;
}

export const LAZY_STREAM = 'orm-lazy-channel';
export const LOG_STREAM = 'orm-log-channel';
