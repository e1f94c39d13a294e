import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type GatheredStatement,
  gatherInserts,
  groupInserts,
  splitGathered,
} from '../../functions/sql-executor/insert-grouping.ts';
import type { TableLinks } from '../../functions/sql-executor/table-links.ts';
import { textToBinary } from '../../shared/binary-string.ts';
import type { BatchItem } from '../../shared/protocol.ts';

const HEADS = ['INSERT INTO A(`a`) VALUES ', 'INSERT INTO B(`a`) VALUES ', 'INSERT INTO C(`a`) VALUES '];

const TABLES = ['a', 'b', 'c'];
const NONE: TableLinks = { dependents: new Set(), farReaching: new Set(), withAssignedIds: new Set() };

function insert(table: number, value: string, rows = 1): BatchItem {
  const head = HEADS[table] ?? '';
  const tuples = Array.from({ length: rows }, () => `(${value})`).join(',');
  return {
    sql: textToBinary(`${head}${tuples}`),
    final: true,
    isUnderstood: true,
    groupHead: head.length,
    rows,
    table: textToBinary(TABLES[table] ?? ''),
  };
}

const UPDATE: BatchItem = {
  sql: textToBinary('UPDATE A SET `a`=1 WHERE `ID` = 1'),
  final: true,
  isUnderstood: true,
};

test('joins alternating inserts into one statement per table', () => {
  const items = [insert(0, '1'), insert(1, '2'), insert(0, '3', 2), insert(1, '4')];
  expect(gatherInserts(items, NONE)?.map(({ sql }) => sql)).toEqual([
    'INSERT INTO A(`a`) VALUES (1),(3),(3)',
    'INSERT INTO B(`a`) VALUES (2),(4)',
  ]);
});

test('gathers nothing from adjacent inserts, across other statements, or without strict mode', () => {
  expect(gatherInserts([insert(0, '1'), insert(0, '2'), insert(1, '3')], NONE)).toBeUndefined();
  expect(gatherInserts([insert(0, '1'), UPDATE, insert(0, '2')], NONE)).toBeUndefined();
  expect(gatherInserts([insert(0, '1'), insert(1, '2'), insert(0, '3')], undefined)).toBeUndefined();
});

test('does not move rows of a table with foreign keys ahead of the rows before them', () => {
  const items = [insert(1, '1'), insert(0, '2'), insert(1, '3'), insert(0, '4'), insert(1, '5')];
  expect(gatherInserts(items, { ...NONE, dependents: new Set(['b']) })?.map(({ sql }) => sql)).toEqual([
    'INSERT INTO B(`a`) VALUES (1)',
    'INSERT INTO A(`a`) VALUES (2),(4)',
    'INSERT INTO B(`a`) VALUES (3),(5)',
  ]);
});

test('moves nothing across an insert that may reach any table', () => {
  const items = [
    insert(0, '1'),
    insert(2, '2'),
    insert(1, '3'),
    insert(1, '4'),
    insert(0, '5'),
    insert(2, '6'),
  ];
  const sent = gatherInserts([...items, insert(0, '7')], { ...NONE, farReaching: new Set(['b']) });
  expect(sent?.map(({ sql }) => sql)).toEqual([
    'INSERT INTO A(`a`) VALUES (1)',
    'INSERT INTO C(`a`) VALUES (2)',
    'INSERT INTO B(`a`) VALUES (3),(4)',
    'INSERT INTO A(`a`) VALUES (5),(7)',
    'INSERT INTO C(`a`) VALUES (6)',
  ]);
});

test('joins no inserts into a table whose IDs a trigger assigns', () => {
  const items = [insert(0, '1'), insert(0, '2'), insert(1, '3'), insert(1, '4'), insert(0, '5')];
  const links = { ...NONE, farReaching: new Set(['a']), withAssignedIds: new Set(['a']) };
  const joined = [[1], [1], [2], [1]];
  expect(groupInserts(items, links).map((sent) => [sent.items.length])).toEqual(joined);
  expect(gatherInserts(items, links)).toBeUndefined();
});

test('keeps the order of rows of one table if their columns differ', () => {
  const other: BatchItem = { ...insert(0, '2'), sql: textToBinary('INSERT INTO A(`b`) VALUES (2)') };
  const items = [insert(0, '1'), insert(1, '1'), other, insert(0, '3'), insert(1, '4')];
  expect(gatherInserts(items, NONE)?.map(({ sql }) => sql)).toEqual([
    'INSERT INTO A(`a`) VALUES (1)',
    'INSERT INTO B(`a`) VALUES (1),(4)',
    'INSERT INTO A(`b`) VALUES (2)',
    'INSERT INTO A(`a`) VALUES (3)',
  ]);
});

test('assigns each item the ID of its own first row, gathered or not', () => {
  const seed = Date.now() & 0x7fffffff;
  let gathered = 0;
  const item = fc.oneof(
    { weight: 9, arbitrary: fc.record({ table: fc.nat(2), rows: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  const dependents = fc.subarray(TABLES).map((tables) => new Set(tables));
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 5, maxLength: 30, size: 'max' }),
      fc.integer({ min: 1, max: 10 }),
      dependents,
      (kinds, increment, children) => {
        const items = kinds.map((kind, index) =>
          kind === undefined ? UPDATE : insert(kind.table, String(index), kind.rows),
        );
        const sent = gatherInserts(items, { ...NONE, dependents: children });
        if (sent === undefined) return;
        gathered++;
        expect(sent.length).toBeLessThan(groupInserts(items, NONE).length);
        const results = splitGathered(sent, execute(sent, increment), increment);
        expect(results).toEqual(serially(items, increment));
        for (const child of children) expectNeverEarlier(sent, items, child);
      },
    ),
    { seed, numRuns: 2000 },
  );
  console.log(`gathering: seed ${seed}, 2000 batches, ${gathered} of them gathered`);
  expect(gathered).toBeGreaterThan(100);
});

/** Every item that precedes a row of the table in the batch still precedes it in the sent statements. */
function expectNeverEarlier(
  sent: readonly GatheredStatement[],
  items: readonly BatchItem[],
  table: string,
): void {
  const order = sent.flatMap(({ indexes }) => indexes);
  for (const [position, index] of order.entries()) {
    if (items[index]?.table !== table) continue;
    const earlier = new Set(order.slice(0, position));
    for (let before = 0; before < index; before++) expect(earlier).toContain(before);
  }
}

/** The results of a server that has one ID counter per table. */
function execute(statements: readonly { readonly sql: string }[], increment: number) {
  const next = new Map<string, number>();
  return statements.map(({ sql }) => {
    const table = /^INSERT INTO (\w)/.exec(sql)?.[1];
    if (table === undefined) return { affectedRows: 1, insertId: '0', rows: [] };
    const id = next.get(table) ?? 1;
    next.set(table, id + increment * (sql.match(/\(\d+\)/g)?.length ?? 0));
    return { affectedRows: 1, insertId: String(id), rows: [] };
  });
}

function serially(items: readonly BatchItem[], increment: number) {
  return execute(items, increment).map(({ insertId }) => ({ status: 'applied', insertId }));
}
