import type { Outcome } from '../oracle/outcome.ts';
import { compareCounts, type Difference } from './difference.ts';
import type { IdMapping } from './id-mapping.ts';
import { canonicalJson, isLogTable } from './log-rows.ts';
import { type Row, type Tables, textOfCell } from './read-tables.ts';

/** Compares log rows as a multiset, because their own ids carry no meaning. */
export function compareLogRows(expected: Outcome, actual: Tables, ids: IdMapping): Difference[] {
  const tables = [...new Set([...expected.tables.keys(), ...actual.keys()])].filter(isLogTable);
  return tables.flatMap((table) => {
    const entityTable = expected.entityTables.get(table);
    const wanted = (expected.tables.get(table) ?? []).map((row) =>
      textOf(table, row, textOfCell(row['entity_id'])),
    );
    const found = (actual.get(table) ?? []).map((row) =>
      textOf(table, row, ids.toExpected(entityTable, textOfCell(row['entity_id']))),
    );
    return compareCounts(wanted, found);
  });
}

function textOf(table: string, row: Row, entityId: string): string {
  const parts = ['before', 'changes', 'meta'].map((column) => `${column} ${canonicalJson(row[column])}`);
  return `${table} of ${entityId} at ${textOfCell(row['added_at'])}: ${parts.join(', ')}`;
}
