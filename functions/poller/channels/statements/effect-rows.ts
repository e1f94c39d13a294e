import type { StatementShape } from '../../../../shared/sql/statement-shape.ts';
import type { WorkResult } from '../../ledger/work-item.ts';
import type { Plan, PlannedStatement } from './plan.ts';

/** A row that an insert of the entry created, or should have created. */
export interface InsertedRow {
  readonly statement: number;
  readonly pool: string;
  readonly table: string;
  /** Undefined if the insert failed and MySQL would have chosen the ID. */
  readonly id: bigint | undefined;
}

/** Ordered by insert, then by row within the insert. */
export function insertedRows(plan: Plan, results: readonly WorkResult[]): InsertedRow[] {
  return plan.statements.flatMap(({ pool, shape }, statement) => {
    const table = shape.kind === 'insert' ? shape.table : '';
    const result = results[statement];
    let next = result?.kind === 'applied' ? BigInt(result.insertId) : undefined;
    return rowIdsOf(shape, plan).map((given) => {
      if (given !== undefined) return { statement, pool, table, id: given };
      const id = next;
      if (next !== undefined && result?.kind === 'applied') next += BigInt(result.increment);
      return { statement, pool, table, id };
    });
  });
}

/** The ID of each row, if the statement contains it. An unparsed insert counts as many rows as the effects need. */
function rowIdsOf(shape: StatementShape, { logs, dirty }: Plan): readonly (bigint | undefined)[] {
  if (shape.kind === 'insert') return shape.rowIds;
  if (shape.kind !== 'other' || !/^(INSERT|REPLACE)$/.test(shape.verb)) return [];
  const asked = Math.max(logs.filter(isOfInsertedRow).length, dirty.filter(isOfInsertedRow).length);
  return Array.from({ length: Math.max(1, asked) }, () => undefined);
}

function isOfInsertedRow({ id }: { readonly id: bigint }): boolean {
  return id === 0n;
}

/** Indexes of the statements that touch a row, by the row's ID in any table. */
export type TouchingStatements = ReadonlyMap<bigint, readonly number[]>;

export function touchingStatements(statements: readonly PlannedStatement[]): TouchingStatements {
  const touching = new Map<bigint, number[]>();
  for (const [index, statement] of statements.entries()) {
    for (const id of new Set(touchedIds(statement))) {
      const known = touching.get(id);
      if (known === undefined) touching.set(id, [index]);
      else known.push(index);
    }
  }
  return touching;
}

function touchedIds({ shape, id }: PlannedStatement): readonly bigint[] {
  switch (shape.kind) {
    case 'update':
    case 'delete':
      return [id, ...shape.ids];
    case 'insert':
      return shape.rowIds.filter((given) => given !== undefined);
    case 'other':
      return [id];
  }
}
