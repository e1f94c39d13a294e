import type { BinaryString } from '../../../shared/binary-string.ts';
import type { Deferral } from '../../../shared/protocol.ts';
import type { StatementShape } from '../../../shared/sql/statement-shape.ts';

/** The entry that a work item belongs to, as the ledger identifies it. */
export interface EntryIdentity {
  /** Redis pool and stream. */
  readonly stream: string;
  readonly id: string;
  /** 8 bytes of the hash of the entry's fields, in hexadecimal: a flushed Redis may assign the same ID again. */
  readonly hash: string;
}

/** How a work item ended. `pending`: not known to be applied, so the entry stays pending for the next drain. */
export type WorkResult =
  | AppliedResult
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'pending' };

interface AppliedResult {
  readonly kind: 'applied';
  /** LAST_INSERT_ID() of an insert, as digits; '0' for everything else. */
  readonly insertId: string;
  /** `auto_increment_increment`: the distance between the IDs of an insert's rows. */
  readonly increment: number;
}

export const PENDING: WorkResult = { kind: 'pending' };

/** A work item that cannot run now, although others can. */
export interface DeferredItem {
  readonly entry: EntryIdentity;
  readonly deferral: Deferral;
}

/** The ledger row that holds a work item's result. */
export interface ResultRow {
  /** To be called once for each entry with results in the row, when that entry is settled. */
  entrySettled(): void;
}

/** One statement on its way to MySQL. */
export interface WorkItem {
  readonly entry: EntryIdentity;
  /** Identifies the item within its entry: `q0` is the first statement, `l0` the first log row. */
  readonly key: string;
  readonly sql: BinaryString;
  readonly shape: StatementShape;
  /** Called exactly once. `row` is absent if nothing about the item is recorded. */
  readonly finish: (result: WorkResult, row?: ResultRow) => void;
}
