import type { BinaryString } from '../../../shared/binary-string.ts';
import type { StatementShape } from '../../../shared/sql/statement-shape.ts';
import type { TrackedRow } from './tracked-row.ts';

/** Which entry a piece of work belongs to, as the ledger knows it. */
export interface EntryIdentity {
  /** Redis pool and stream. */
  readonly stream: string;
  readonly id: string;
  /** 8 bytes of the hash of the entry's fields, in hexadecimal: a flushed Redis may give the same id again. */
  readonly hash: string;
}

/** How a statement ended. `left`: not known to be applied, the entry stays pending for the next run. */
export type WorkResult =
  | AppliedResult
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'pending' };

export interface AppliedResult {
  readonly kind: 'applied';
  /** LAST_INSERT_ID() of an insert, as digits; '0' for all else. */
  readonly insertId: string;
  /** `auto_increment_increment`: how far apart the ids of an insert's rows are. */
  readonly increment: number;
}

/** One statement on its way to MySQL. */
export interface WorkItem {
  readonly entry: EntryIdentity;
  /** Its place in the entry: `q0` for the first statement, `l0` for the first log row. */
  readonly key: string;
  readonly sql: BinaryString;
  readonly shape: StatementShape;
  /** Called exactly once, with the ledger row that holds the result. */
  readonly finish: (result: WorkResult, row?: TrackedRow) => void;
}

export const PENDING: WorkResult = { kind: 'pending' };
