import { readFileSync } from 'node:fs';
import type { RecordedRow, Recording } from '../../infra/local/recording/recording.ts';
import type { Cell, Row, Tables } from './read-tables.ts';

/** Converts the rows of a recording to the form in which `readTables` returns rows. */
export function tablesOf(rows: Recording['rows'], schemaSql: string): Tables {
  const floats = floatColumns(schemaSql);
  return new Map(
    Object.entries(rows).map(([table, rowsOfTable]) => [
      table,
      rowsOfTable.map((row) => rowOf(row, floats.get(table))),
    ]),
  );
}

function rowOf(row: RecordedRow, floats = new Set<string>()): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]): [string, Cell] => {
      if (typeof value === 'string' && floats.has(name)) return [name, String(Number(value))];
      if (value === null || typeof value === 'string') return [name, value];
      if (typeof value === 'number') return [name, String(value)];
      return [name, isBytes(value) ? value : JSON.stringify(value)];
    }),
  );
}

/** Distinguishes bytes from the columns of log rows, which the recording `crud` contains as parsed JSON. */
function isBytes(value: object): value is { base64: string } {
  return 'base64' in value && Object.keys(value).length === 1;
}

/** The float columns by `schema.table`. */
function floatColumns(schemaSql: string): Map<string, Set<string>> {
  const columns = new Map<string, Set<string>>();
  let schema = '';
  let table = '';
  for (const line of schemaSql.split('\n')) {
    schema = /^USE `(.+)`/.exec(line)?.[1] ?? schema;
    table = /^CREATE TABLE `(.+)`/.exec(line)?.[1] ?? table;
    const column = /^ {2}`(.+?)` (?:float|double)\b/.exec(line)?.[1];
    const name = `${schema}.${table}`;
    if (column !== undefined) columns.set(name, (columns.get(name) ?? new Set()).add(column));
  }
  return columns;
}

export function readJson(file: string) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
