import { type BinaryString, sliceBinary } from '../../../../shared/binary-string.ts';
import type { StatementShape } from '../../../../shared/sql/statement-shape.ts';
import { logRowInsert, logRowStart } from '../../../../shared/wire/log-row.ts';
import type { LogValue } from '../../../../shared/wire/log-value.ts';
import type { TrackedRow } from '../../ledger/tracked-row.ts';
import type { EntryIdentity, WorkItem, WorkResult } from '../../ledger/work-item.ts';
import type { ResolvedEffect } from './effects.ts';
import type { Plan } from './plan.ts';

export interface LogRowResult {
  readonly effect: ResolvedEffect;
  readonly result: WorkResult;
}

export interface WrittenLogRows {
  /** One for each effect. */
  readonly results: readonly LogRowResult[];
  /** Of the ledger. */
  readonly rows: readonly TrackedRow[];
}

/** Writes the log values of a plan that the effects name, each as a row of its log table. */
export function writeLogRows(
  entry: EntryIdentity,
  plan: Plan,
  effects: readonly ResolvedEffect[],
  push: (mysqlPool: string, item: WorkItem) => void,
): Promise<WrittenLogRows> {
  return new Promise((resolve) => {
    const results: LogRowResult[] = [];
    const rows: TrackedRow[] = [];
    let outstanding = effects.length;
    for (const [place, effect] of effects.entries()) {
      const log = plan.logs[effect.index];
      if (log === undefined) throw new Error(`the plan has no log value ${effect.index}`);
      const sql = logRowInsert(log, effect.id);
      const finish = (result: WorkResult, row?: TrackedRow) => {
        results[place] = { effect, result };
        if (row !== undefined) rows.push(row);
        outstanding--;
        if (outstanding === 0) resolve({ results, rows });
      };
      push(log.pool, { entry, key: `l${effect.index}`, sql, shape: logRowShape(log, sql), finish });
    }
  });
}

const ONE_ROW: readonly undefined[] = [undefined];

/** The shape of a log row's insert, which is written here and needs no reading. */
export function logRowShape({ table }: LogValue, sql: BinaryString): StatementShape {
  const firstRow = logRowStart(sql);
  const head = sliceBinary(sql, 0, firstRow);
  return { kind: 'insert', table, head, firstRow, rowIds: ONE_ROW, groupable: true };
}
