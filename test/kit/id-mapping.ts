import type { Outcome } from '../oracle/outcome.ts';
import { type Row, type Tables, textOfCell } from './read-tables.ts';

/**
 * Maps the expected id to the actual id of each row whose id MySQL chose. Each attempt at a failing insert uses up an
 * id, so the ids can differ. Rows are matched by the columns in `identity`.
 */
export class IdMapping {
  readonly #expectedIds = new Map<string, string>();
  readonly #actualIds = new Map<string, string>();

  constructor(expected: Outcome, actual: Tables) {
    for (const [table, autoIds] of expected.autoIds) {
      const nameOf = (row: Row) => textOfCell(row[expected.identity.find((column) => column in row) ?? '']);
      const actualIds = new Map(actual.get(table)?.map((row) => [nameOf(row), idOf(row)]));
      for (const row of expected.tables.get(table) ?? []) {
        const id = idOf(row);
        const actualId = actualIds.get(nameOf(row));
        if (!autoIds.has(id) || actualId === undefined) continue;
        this.#expectedIds.set(`${table} ${actualId}`, id);
        this.#actualIds.set(`${table} ${id}`, actualId);
      }
    }
  }

  /** Returns the given id unchanged if MySQL didn't choose it. */
  toExpected(table: string | undefined, actualId: string): string {
    return this.#expectedIds.get(`${table} ${actualId}`) ?? actualId;
  }

  /** Returns the given id unchanged if MySQL didn't choose it. */
  toActual(table: string, expectedId: string): string {
    return this.#actualIds.get(`${table} ${expectedId}`) ?? expectedId;
  }
}

export function idOf(row: Row): string {
  return textOfCell(row['ID'] ?? row['id']);
}
