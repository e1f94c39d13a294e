import { lazyEntry } from './lazy-entry.ts';
import type { Load } from './load.ts';

/** Single-row inserts into one table. */
export function inserts(entries: number): Load {
  return {
    key: `inserts ${entries}`,
    entries,
    initialRows: {},
    entry: (index) => lazyEntry(insertSql(index), 0),
    statement: insertSql,
    outcome: [{ query: 'SELECT COUNT(*) FROM Plain', expected: entries }],
  };
}

export function insertSql(index: number): string {
  return `INSERT INTO Plain(\`Age\`,\`Name\`,\`Comment\`) VALUES (${index + 1},'name of ${index}','a row as applications write them, with a text of some length')`;
}
