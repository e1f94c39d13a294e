import { Random } from '../../kit/generate/random.ts';
import { lazyEntry } from './lazy-entry.ts';
import type { Load } from './load.ts';

export const UPDATED_ROWS = 100_000;
const SEED = 1;

/** Single-row updates of random rows of one table. */
export function updates(entries: number): Load {
  const random = new Random(SEED);
  const ids = Uint32Array.from({ length: entries }, () => random.integer(1, UPDATED_ROWS));
  const sql = (index: number) => updateSql(index, ids[index] ?? 1);
  return {
    key: `updates ${entries}`,
    entries,
    initialRows: { Plain: UPDATED_ROWS },
    entry: (index) => lazyEntry(sql(index), ids[index] ?? 1),
    statement: sql,
    // Not every candidate keeps the order, so the last update of a row varies. That each row is updated does not.
    outcome: [{ query: 'SELECT COUNT(*) FROM Plain WHERE Age > 0', expected: new Set(ids).size }],
  };
}

export function updateSql(index: number, id: number): string {
  return `UPDATE Plain SET \`Age\`=${index + 1},\`Name\`='name ${index}' WHERE \`ID\` = ${id}`;
}
