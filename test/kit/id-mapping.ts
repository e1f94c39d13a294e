import type { Outcome } from '../oracle/outcome.ts';
import type { Row, Tables } from './read-tables.ts';

/**
 * Which id MySQL really chose for each row whose id the expectation had MySQL choose. Failed inserts, and how often they
 * were tried, use up ids, so the numbers may differ; rows are recognised by their `Code`.
 */
export class IdMapping {
  readonly #expectedIds = new Map<string, string>();
  readonly #actualIds = new Map<string, string>();

  constructor(expected: Outcome, actual: Tables) {
    for (const [table, autoIds] of expected.autoIds) {
      const actualIds = new Map(actual.get(table)?.map((row) => [codeOf(row), idOf(row)]));
      for (const row of expected.tables.get(table) ?? []) {
        const id = idOf(row);
        const actualId = actualIds.get(codeOf(row));
        if (!autoIds.has(id) || actualId === undefined) continue;
        this.#expectedIds.set(`${table} ${actualId}`, id);
        this.#actualIds.set(`${table} ${id}`, actualId);
      }
    }
  }

  /** The id itself where MySQL didn't choose it. */
  toExpected(table: string | undefined, actualId: string): string {
    return this.#expectedIds.get(`${table} ${actualId}`) ?? actualId;
  }

  /** The id itself where MySQL didn't choose it. */
  toActual(table: string, expectedId: string): string {
    return this.#actualIds.get(`${table} ${expectedId}`) ?? expectedId;
  }
}

export function idOf(row: Row): string {
  const id = row['ID'] ?? row['id'];
  return typeof id === 'string' ? id : '';
}

function codeOf(row: Row): string {
  const code = row['Code'];
  return typeof code === 'string' ? code : '';
}
