import type { BinaryString } from '../binary-string.ts';

/** `INSERT INTO t(…) VALUES (…),(…)` of plain literals, with no modifier before and nothing after. */
export interface InsertShape {
  readonly kind: 'insert';
  readonly database?: BinaryString;
  readonly table: BinaryString;
  /** The text up to and with `VALUES` and one space. Statements with equal heads insert into the same columns. */
  readonly head: BinaryString;
  /** Offset of the first tuple; the others follow up to the statement's end. */
  readonly firstRow: number;
  /** One for each row: the value given for column `ID`, or undefined where MySQL chooses it. */
  readonly rowIds: readonly (bigint | undefined)[];
  /** Whether rows of statements with this head may travel as one INSERT without changing a meaning. */
  readonly groupable: boolean;
}

/** ``UPDATE t SET `a`=1,… WHERE `ID` = 5`` (or `IN (5,…)`): touches these rows only, and not their ids. */
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

/** Everything else: may touch any row of any table of its MySQL pool. */
interface OtherShape {
  readonly kind: 'other';
  /** In upper case. */
  readonly verb: string;
}

export type StatementShape = InsertShape | UpdateShape | DeleteShape | OtherShape;
