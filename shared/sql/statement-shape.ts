import type { BinaryString } from '../binary-string.ts';

/** `INSERT INTO t(…) VALUES (…),(…)` of plain literals, without modifiers before and clauses after. */
export interface InsertShape {
  readonly kind: 'insert';
  readonly database?: BinaryString;
  readonly table: BinaryString;
  /** The text up to and including `VALUES` and one space. Statements with equal heads insert into the same columns. */
  readonly head: BinaryString;
  /** Offset of the first tuple. The tuples extend to the end of the statement. */
  readonly firstRow: number;
  /** For each row: the explicit value of column `ID`, or undefined if MySQL chooses it. */
  readonly rowIds: readonly (bigint | undefined)[];
  /** True if statements with this head can be joined into one INSERT with the same meaning. */
  readonly groupable: boolean;
}

/** ``UPDATE t SET `a`=1,… WHERE `ID` = 5`` (or `IN (5,…)`): touches only these rows, and not their IDs. */
export interface UpdateShape {
  readonly kind: 'update';
  readonly database?: BinaryString;
  readonly table: BinaryString;
  readonly ids: readonly bigint[];
}

/** ``DELETE FROM t WHERE `ID` IN (5,…)`` (or `= 5`). */
export interface DeleteShape {
  readonly kind: 'delete';
  readonly database?: BinaryString;
  readonly table: BinaryString;
  readonly ids: readonly bigint[];
}

/** Every other statement. It may touch any row of any table of its MySQL pool. */
interface OtherShape {
  readonly kind: 'other';
  /** In upper case. */
  readonly verb: string;
}

export type StatementShape = InsertShape | UpdateShape | DeleteShape | OtherShape;
