import { Random } from '../../kit/generate/random.ts';
import { lazyEntry } from './lazy-entry.ts';
import type { Load } from './load.ts';

export const UPDATED_ROWS = 100_000;
const SEED = 1;

/** Single-row updates of random rows of one table. */
export function updates(entries: number): Load {
  const random = new Random(SEED);
  const ids = Uint32Array.from({ length: entries }, () => random.integer(1, UPDATED_ROWS));
  const sql = (place: number) => updateSql(place, ids[place] ?? 1);
  return {
    key: `updates ${entries}`,
    entries,
    rowsBefore: { Plain: UPDATED_ROWS },
    entry: (place) => lazyEntry(sql(place), ids[place] ?? 1),
    statement: sql,
    // Which of a row's updates comes last depends on who keeps their order: that each row was reached doesn't.
    outcome: [{ query: 'SELECT COUNT(*) FROM Plain WHERE Age > 0', expected: new Set(ids).size }],
  };
}

export function updateSql(place: number, id: number): string {
  return `UPDATE Plain SET \`Age\`=${place + 1},\`Name\`='name ${place}' WHERE \`ID\` = ${id}`;
}
