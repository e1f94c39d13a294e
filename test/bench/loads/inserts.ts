import { lazyEntry } from './lazy-entry.ts';
import type { Load } from './load.ts';

/** Single-row inserts into one table. */
export function inserts(entries: number): Load {
  return {
    key: `inserts ${entries}`,
    entries,
    rowsBefore: {},
    entry: (place) => lazyEntry(insertSql(place), 0),
    statement: insertSql,
    outcome: [{ query: 'SELECT COUNT(*) FROM Plain', expected: entries }],
  };
}

export function insertSql(place: number): string {
  return `INSERT INTO Plain(\`Age\`,\`Name\`,\`Comment\`) VALUES (${place + 1},'name of ${place}','a row as applications write them, with a text of some length')`;
}
