import type { Outcome } from '../oracle/outcome.ts';
import { compareCounts, type Difference, shortened } from './difference.ts';
import { idOf } from './id-mapping.ts';
import { isLogTable } from './log-rows.ts';
import { type Cell, type Row, type Tables, textOfCell } from './read-tables.ts';

/** Compares all tables except log tables. */
export function compareRows(expected: Outcome, actual: Tables): Difference[] {
  const tables = [...new Set([...expected.tables.keys(), ...actual.keys()])].filter(
    (table) => !isLogTable(table),
  );
  return tables.flatMap((table) => {
    const wanted = expected.tables.get(table) ?? [];
    const found = actual.get(table) ?? [];
    const autoIds = expected.autoIds.get(table) ?? new Set();
    const name = nameOfRows(table, expected.identity, [...wanted, ...found]);
    return [
      ...compareCounts(wanted.map(name), found.map(name)),
      ...compareCells(wanted, found, name, autoIds),
      ...compareOrder(table, wanted, found, name, autoIds),
    ];
  });
}

type Name = (row: Row) => string;

function nameOfRows(table: string, identity: Outcome['identity'], rows: readonly Row[]): Name {
  const column = identity.find((candidate) => rows.every((row) => typeof row[candidate] === 'string'));
  return (row) =>
    column === undefined
      ? `${table} ${JSON.stringify(row)}`
      : `${table} ${column}=${textOfCell(row[column])}`;
}

/** Compares the columns of the rows that exist on both sides. */
function compareCells(
  wanted: readonly Row[],
  found: readonly Row[],
  name: Name,
  autoIds: ReadonlySet<string>,
): Difference[] {
  const byName = new Map(wanted.map((row) => [name(row), row]));
  return found.flatMap((row) => {
    const expected = byName.get(name(row));
    if (expected === undefined) return [];
    return Object.keys({ ...expected, ...row }).flatMap((column): Difference[] => {
      if (column === 'ID' && autoIds.has(idOf(expected))) return [];
      const [before, after] = [textOf(expected[column]), textOf(row[column])];
      if (before === after) return [];
      return [
        {
          kind: 'changed',
          what: `${name(row)} ${column}: ${shortened(after)} instead of ${shortened(before)}`,
        },
      ];
    });
  });
}

/** Compares the order of the inserts. For rows whose ids MySQL chose, it is the order of the ids. */
function compareOrder(
  table: string,
  wanted: readonly Row[],
  found: readonly Row[],
  name: Name,
  autoIds: ReadonlySet<string>,
): Difference[] {
  const present = new Set(found.map(name));
  const expected = byId(wanted.filter((row) => autoIds.has(idOf(row)))).map(name);
  const auto = new Set(expected);
  const before = expected.filter((row) => present.has(row));
  const after = [...new Set(byId(found).map(name))].filter((row) => auto.has(row));
  const first = before.findIndex((row, index) => row !== after[index]);
  if (first < 0) return [];
  return [
    {
      kind: 'out of order',
      what: `rows of ${table} from insert ${first}: ${after[first]} instead of ${before[first]}`,
    },
  ];
}

function byId(rows: readonly Row[]): Row[] {
  return rows.toSorted((one, other) => (BigInt(idOf(one)) < BigInt(idOf(other)) ? -1 : 1));
}

function textOf(cell: Cell | undefined): string {
  return JSON.stringify(cell) ?? 'no value';
}
