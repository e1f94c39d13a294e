import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BinaryString, bytesToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../shared/sql/statement.ts';
import type { InsertShape, StatementShape } from '../../shared/sql/statement-shape.ts';
import { recordedLazyEvents } from './wire-recordings.ts';

const RUNS = 20_000;
const recorded = recordedLazyEvents('histories/full-1')
  .flatMap(({ statements }) => statements.map(({ sql }) => sql))
  .filter((sql) => sql.length < 500 && !sql.includes('$'));

/** Pieces that matter to a scanner, so that their combinations are frequent. */
const piece = fc.oneof(
  fc.constantFrom(
    "'",
    '"',
    '`',
    '\\',
    "''",
    "\\'",
    '""',
    '``',
    ';',
    '#',
    '-',
    '--',
    '-- ',
    '/*',
    '*/',
    '/',
    '\0',
  ),
  fc.constantFrom(
    ' ',
    '\n',
    '\t',
    '\x01',
    '\x7f',
    '\xa0',
    '\xc3\xa9',
    '(',
    ')',
    ',',
    '.',
    '=',
    '5',
    'ID',
    'x',
    'N',
  ),
  fc.constantFrom('INTO ', 'OUTFILE ', 'LOAD_FILE', 'WHERE ', 'SET ', 'VALUES ', 'SELECT ', 'NULL', "x'41'"),
);
const tail = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(''));
const beginning = fc.constantFrom(
  '',
  'DELETE FROM t ',
  'INSERT INTO t(`a`) VALUES (',
  'UPDATE t SET `a`=',
  "UPDATE t SET `a`='",
);
const scrambled = fc.tuple(beginning, tail).map(([begin, end]) => asBytes(begin + end));
/** Whole statements with pieces inserted at a random position: most are no longer understood. */
const damaged = fc
  .record({
    whole: fc.constantFrom(...recorded),
    pieces: fc.array(piece, { maxLength: 3 }),
    position: fc.nat(),
  })
  .map(({ whole, pieces, position }) => {
    const offset = position % whole.length;
    return asBytes(whole.slice(0, offset) + pieces.join('') + whole.slice(offset));
  });
const garbage = fc.uint8Array({ maxLength: 60 }).map((bytes) => asBytes(`DELETE ${bytesToBinary(bytes)}`));

function asBytes(characters: string): BinaryString {
  return bytesToBinary(Buffer.from(characters, 'latin1'));
}

/** Splits by a single pattern and checks the text outside of quotes. It is slow, and shares no code with the scanner. */
function isRefusedByReference(sql: string): boolean {
  const token = /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`|[\s\S]/g;
  const parts = sql.match(token) ?? [];
  if (parts.some((part) => /^['"`\\;#\0]$/.test(part))) return true;
  const outside = parts.map((part) => (part.length > 1 ? '?' : part)).join('');
  const name = '[0-9A-Za-z_$\\x80-\\xff]';
  const word = (text: string): RegExp => new RegExp(`(?<!${name})${text}(?!${name})`, 'i');
  return (
    /\/\*|--(?:[\0-\x20\x7f-\xff]|$)/.test(outside) ||
    word('OUTFILE').test(outside) ||
    word('LOAD_FILE').test(outside) ||
    !/^[\t-\r ]*(?:INSERT|UPDATE|DELETE|REPLACE)(?![0-9A-Za-z_$\x80-\xff])/i.test(sql)
  );
}

/** Head and rows are the whole statement, except for spaces between them. */
function expectWholeInsert(sql: string, { head, firstRow }: InsertShape): void {
  const headEnd = sql.indexOf(head.trimEnd()) + head.trimEnd().length;
  expect(sql.slice(headEnd, firstRow)).toMatch(/^[\t-\r ]*$/);
  expect(sql.slice(firstRow)).toMatch(/^\([\s\S]*\)[\t-\r ]*$/);
}

test.each([
  ['scrambled statements', scrambled],
  ['damaged recorded statements', damaged],
  ['garbage bytes', garbage.filter((sql) => !sql.includes('$'))],
])(
  '%s are judged like a reference implementation does that shares no code with the scanner',
  (name, statements) => {
    const seed = Date.now() & 0x7fffffff;
    const counts: Record<string, number> = {};
    fc.assert(
      fc.property(statements, (sql) => {
        const judgment = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
        const outcome = judgment.allowed ? judgment.shape.kind : 'refused';
        counts[outcome] = (counts[outcome] ?? 0) + 1;
        expect(outcome).toMatch(/^(?:refused|other|insert|update|delete)$/);
        expect(outcome === 'refused').toBe(isRefusedByReference(sql));
        if (judgment.allowed && judgment.shape.kind === 'insert') expectWholeInsert(sql, judgment.shape);
      }),
      { seed, numRuns: RUNS },
    );
    console.log(`${name}: seed ${seed}, ${RUNS} inputs, ${JSON.stringify(counts)}`);
  },
);

const awkward = fc.array(fc.oneof(piece, fc.constantFrom('),(', "'); DROP", '%', 'a')), { maxLength: 8 });
const literal = fc.oneof(
  awkward.map((pieces) => `'${pieces.join('').replaceAll(/['\\]/g, '\\$&')}'`),
  awkward.map((pieces) => `"${pieces.join('').replaceAll('\\', '\\\\').replaceAll('"', '""')}"`),
  fc.constantFrom('NULL', 'DEFAULT', '0', '-1', '1.5', "x'4142'", '0x41', "_utf8'x'"),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
);
const name = awkward.map((pieces) => `n${pieces.join('').replaceAll('\0', '')}`);
const quotedName = (plain: string): string => `\`${plain.replaceAll('`', '``')}\``;
const space = fc.constantFrom('', ' ', '\n ');

/** Heads of allowed statements are remembered, and the rest of such a statement is then parsed in another way. */
test.each(['INSERT INTO t(`a`) VALUES ', 'UPDATE t SET '])('a known head %j changes no judgment', (head) => {
  const seed = Date.now() & 0x7fffffff;
  let allowed = 0;
  const known = asBytes(head === 'UPDATE t SET ' ? `${head}\`a\`=1 WHERE ID = 1` : `${head}(1)`);
  judgeStatement(known, DEFAULT_ALLOWED_STATEMENTS);
  const starts = head === 'UPDATE t SET ' ? ['`a`=', "`a`='", 'a=', '`ID`='] : ['(', "('", '(1),('];
  const ends = ['', ')', "')", ' WHERE `ID` = 5', "' WHERE ID IN (5)"];
  const rest = fc
    .tuple(fc.constantFrom(...starts), tail, fc.constantFrom(...ends))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(rest, (text) => {
      const judgment = judgeStatement(asBytes(head + text), DEFAULT_ALLOWED_STATEMENTS);
      // With a space before it, a head is never known.
      const unknown = judgeStatement(asBytes(` ${head}${text}`), DEFAULT_ALLOWED_STATEMENTS);
      expect(judgment.allowed).toBe(unknown.allowed);
      if (!judgment.allowed || !unknown.allowed) return;
      allowed++;
      expect(judgment.shape).toEqual(withoutLeadingSpace(unknown.shape));
    }),
    { seed, numRuns: RUNS },
  );
  console.log(`known heads: seed ${seed}, ${RUNS} statements, ${allowed} of them allowed`);
  expect(allowed).toBeGreaterThan(0);
});

function withoutLeadingSpace(shape: StatementShape): StatementShape {
  return shape.kind === 'insert' ? { ...shape, firstRow: shape.firstRow - 1 } : shape;
}

test('an insert of any names and literals is understood to the byte', () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`inserts: seed ${seed}, 5000 statements`);
  const insert = fc.integer({ min: 1, max: 5 }).chain((width) =>
    fc.record({
      table: name,
      columns: fc.array(name, { minLength: width, maxLength: width }),
      rows: fc.array(fc.array(literal, { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 4,
      }),
      gap: space,
    }),
  );
  fc.assert(
    fc.property(insert, ({ table, columns, rows, gap }) => {
      const head = `INSERT INTO ${quotedName(table)}(${columns.map(quotedName).join(`${gap},`)}) VALUES `;
      const tuples = rows.map((values) => `(${values.join(`,${gap}`)})`);
      const sql = asBytes(`${head}${tuples.join(`${gap},${gap}`)}${gap}`);
      const judgment = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
      expect(judgment).toMatchObject({ shape: { kind: 'insert', table, head, groupable: true } });
      expect.assert(judgment.allowed && judgment.shape.kind === 'insert');
      expect(sql.slice(judgment.shape.firstRow)).toBe(`${tuples.join(`${gap},${gap}`)}${gap}`);
      expect(judgment.shape.rowIds).toHaveLength(tuples.length);
    }),
    { seed, numRuns: 5_000 },
  );
});

test('an update of any names, literals and IDs is understood', () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`updates: seed ${seed}, 5000 statements`);
  const update = fc.record({
    table: name,
    assignments: fc.array(fc.tuple(name, literal), { minLength: 1, maxLength: 5 }),
    ids: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 4 }),
    gap: space,
  });
  fc.assert(
    fc.property(update, ({ table, assignments, ids, gap }) => {
      const set = assignments
        .map(([column, value]) => `${quotedName(column)}${gap}=${gap}${value}`)
        .join(`${gap},`);
      const sql = asBytes(`UPDATE ${quotedName(table)} SET ${set} WHERE \`ID\` IN (${ids.join(`,${gap}`)})`);
      expect(judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS)).toEqual({
        allowed: true,
        shape: { kind: 'update', table, ids },
      });
    }),
    { seed, numRuns: 5_000 },
  );
});
