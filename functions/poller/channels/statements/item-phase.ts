import { type BinaryString, sliceBinary } from '../../../../shared/binary-string.ts';
import type { StatementShape } from '../../../../shared/sql/statement-shape.ts';
import { logRowInsert, logRowStart } from '../../../../shared/wire/log-row.ts';
import type { LogValue } from '../../../../shared/wire/log-value.ts';
import type { EntryIdentity, ResultRow, WorkItem, WorkResult } from '../../ledger/work-item.ts';
import type { ResolvedEffect } from './effects.ts';
import type { Plan, PlannedStatement } from './plan.ts';

type Push = (mysqlPool: string, item: WorkItem) => void;

const NO_ROWS: readonly ResultRow[] = [];

/** The work items of one entry that run together: its statements, or its log rows. Collects what becomes of them. */
export class ItemPhase {
  readonly entry: EntryIdentity;
  /** One result per item, in item order; complete once the phase has ended. */
  readonly results: WorkResult[];
  readonly #onEnd: (phase: ItemPhase) => void;
  #rows: readonly ResultRow[] = NO_ROWS;
  #outstanding: number;

  constructor(entry: EntryIdentity, items: number, onEnd: (phase: ItemPhase) => void) {
    this.entry = entry;
    this.results = new Array(items);
    this.#outstanding = items;
    this.#onEnd = onEnd;
  }

  get isApplied(): boolean {
    return this.results.every(({ kind }) => kind === 'applied');
  }

  get isPending(): boolean {
    return this.results.some(({ kind }) => kind === 'pending');
  }

  /** The distinct ledger rows that hold the results. */
  get rows(): readonly ResultRow[] {
    return this.#rows;
  }

  finished(index: number, result: WorkResult, row: ResultRow | undefined): void {
    this.results[index] = result;
    if (row !== undefined && !this.#rows.includes(row)) this.#rows = [...this.#rows, row];
    this.#outstanding--;
    if (this.#outstanding === 0) this.#onEnd(this);
  }
}

/** A work item that reports its result to its phase. */
class PhaseItem implements WorkItem {
  readonly entry: EntryIdentity;
  readonly sql: BinaryString;
  readonly shape: StatementShape;
  readonly #phase: ItemPhase;
  readonly #index: number;
  readonly #kind: 'q' | 'l';
  readonly #number: number;

  /** `index` counts within the phase, `number` within the entry's statements or log values. */
  constructor(
    phase: ItemPhase,
    index: number,
    kind: 'q' | 'l',
    number: number,
    sql: BinaryString,
    shape: StatementShape,
  ) {
    this.entry = phase.entry;
    this.sql = sql;
    this.shape = shape;
    this.#phase = phase;
    this.#index = index;
    this.#kind = kind;
    this.#number = number;
  }

  get key(): string {
    return `${this.#kind}${this.#number}`;
  }

  finish(result: WorkResult, row?: ResultRow): void {
    this.#phase.finished(this.#index, result, row);
  }
}

/** Pushes all statements before it returns. Without statements, the phase ends at once. */
export function runStatements(
  entry: EntryIdentity,
  statements: readonly PlannedStatement[],
  push: Push,
  onEnd: (phase: ItemPhase) => void,
): void {
  const phase = new ItemPhase(entry, statements.length, onEnd);
  if (statements.length === 0) onEnd(phase);
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index];
    if (statement === undefined) continue;
    push(statement.pool, new PhaseItem(phase, index, 'q', index, statement.sql, statement.shape));
  }
}

/** Writes the log values of a plan that the effects name, each as a row of its log table. With none, the phase ends at once. */
export function runLogRows(
  entry: EntryIdentity,
  { logs }: Plan,
  effects: readonly ResolvedEffect[],
  push: Push,
  onEnd: (phase: ItemPhase) => void,
): void {
  const phase = new ItemPhase(entry, effects.length, onEnd);
  if (effects.length === 0) onEnd(phase);
  for (let index = 0; index < effects.length; index++) {
    const effect = effects[index];
    const log = effect === undefined ? undefined : logs[effect.index];
    if (effect === undefined || log === undefined) throw new Error('the plan has no such log value');
    const sql = logRowInsert(log, effect.id);
    push(log.pool, new PhaseItem(phase, index, 'l', effect.index, sql, logRowShape(log, sql)));
  }
}

const ONE_ROW: readonly undefined[] = [undefined];

/** The shape of a log row's insert, known without parsing because it was generated here. */
function logRowShape({ table }: LogValue, sql: BinaryString): StatementShape {
  const firstRow = logRowStart(sql);
  const head = sliceBinary(sql, 0, firstRow);
  return { kind: 'insert', table, head, firstRow, rowIds: ONE_ROW, groupable: true };
}
