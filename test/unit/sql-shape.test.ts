import { describe, expect, test } from 'vitest';
import { textToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../shared/sql/statement.ts';
import type { StatementShape } from '../../shared/sql/statement-shape.ts';
import { recordedLazyEvents } from './wire-recordings.ts';

function shapeOf(sql: string): StatementShape {
  const judgment = judgeStatement(textToBinary(sql), DEFAULT_ALLOWED_STATEMENTS);
  expect.assert(judgment.allowed);
  return judgment.shape;
}

describe('an insert', () => {
  test('has a table, a head and rows', () => {
    const sql = "INSERT INTO T(`a`,`b``c`) VALUES ('x,(''\\')',1),( NULL , -1.5e3 )";
    const shape = shapeOf(sql);
    expect(shape).toEqual({
      kind: 'insert',
      table: 'T',
      head: 'INSERT INTO T(`a`,`b``c`) VALUES ',
      firstRow: 33,
      rowIds: [undefined, undefined],
      groupable: true,
    });
    expect.assert(shape.kind === 'insert');
    expect(sql.slice(shape.firstRow)).toBe("('x,(''\\')',1),( NULL , -1.5e3 )");
  });

  test.each([
    ['INSERT INTO `T`(`a`) VALUES (1)', { table: 'T', head: 'INSERT INTO `T`(`a`) VALUES ' }],
    ['insert into T(a)values(1)', { table: 'T', head: 'insert into T(a)values ', firstRow: 22 }],
    [
      '  INSERT INTO d.`t` ( a ) VALUES\n(1) ',
      { database: 'd', table: 't', head: 'INSERT INTO d.`t` ( a ) VALUES ' },
    ],
    ['INSERT INTO T() VALUES (),()', { rowIds: [undefined, undefined], groupable: true }],
  ])('%j is understood', (sql, shape) => {
    expect(shapeOf(sql)).toMatchObject({ kind: 'insert', ...shape });
  });

  test('an explicit ID is read, and prevents grouping', () => {
    const sql = 'INSERT INTO T(`a`,`id`) VALUES (1,18446744073709551615),(2,NULL),(3,0),(4,DEFAULT)';
    expect(shapeOf(sql)).toMatchObject({
      rowIds: [18446744073709551615n, undefined, undefined, undefined],
      groupable: false,
    });
  });

  test.each([
    "'x'",
    '"x"',
    "N'x'",
    "_utf8mb4'x'",
    '_utf8"x"',
    "x'41'",
    "B'01'",
    '0x41',
    '0b01',
    '.5',
    '1.',
    '+1',
    '-1e-3',
    'null',
    'TRUE',
    'default',
  ])('%s is a plain literal', (literal) => {
    expect(shapeOf(`INSERT INTO T(\`a\`,\`b\`) VALUES (${literal},${literal})`)).toMatchObject({
      groupable: true,
    });
  });

  test.each([
    'NOW()',
    '1+1',
    '(1)',
    '@x',
    '`b`',
    "'a' 'b'",
    'LAST_INSERT_ID()',
    '(SELECT 1)',
    "x'4'",
    "b'2'",
    '1a',
    '0X41',
    '1.2.3',
    'CURRENT_TIMESTAMP',
    "'a' COLLATE utf8mb4_bin",
    '1 1',
    '',
  ])('can touch anything with the value %s', (value) => {
    expect(shapeOf(`INSERT INTO T(\`a\`) VALUES (${value})`)).toEqual({ kind: 'other', verb: 'INSERT' });
  });

  test.each([
    'INSERT IGNORE INTO T(`a`) VALUES (1)',
    'INSERT LOW_PRIORITY INTO T(`a`) VALUES (1)',
    'INSERT T(`a`) VALUES (1)',
    'INSERT INTO T VALUES (1)',
    'INSERT INTO T(`a`) VALUES (1) ON DUPLICATE KEY UPDATE `a`=2',
    'INSERT INTO T(`a`) VALUES (1) AS n',
    'INSERT INTO T(`a`) VALUES (1) RETURNING `ID`',
    'INSERT INTO T(`a`) VALUES (1),',
    'INSERT INTO T(`a`) VALUES (1)(2)',
    'INSERT INTO T(`a`) VALUES',
    'INSERT INTO T(`a`) VALUES ROW(1)',
    'INSERT INTO T(`a`) VALUES (1,2)',
    'INSERT INTO T(`a`,`b`) VALUES (1)',
    'INSERT INTO T(T.`a`) VALUES (1)',
    'INSERT INTO T PARTITION (p) (`a`) VALUES (1)',
    'INSERT INTO T(`a`) SELECT 1',
    'INSERT INTO T SET `a`=1',
    "INSERT INTO T(`ID`) VALUES ('5')",
    'INSERT INTO T(`ID`) VALUES (5.0)',
    'INSERT INTO T(`ID`) VALUES (-5)',
    'INSERT INTO T(`ID`) VALUES (18446744073709551616)',
  ])('%j can touch anything', (sql) => {
    expect(shapeOf(sql)).toEqual({ kind: 'other', verb: 'INSERT' });
  });
});

describe('an update', () => {
  test.each([
    ['UPDATE T SET `a`=1 WHERE `ID` = 5', [5n]],
    ["UPDATE `T` SET `a`='WHERE `ID` = 1, ',`b`=NULL WHERE `ID` IN (5, 6)", [5n, 6n]],
    ['update T set a = -(`b` + 1) * 2 , c=NOT `c` IS NULL where id=5 ', [5n]],
    ["UPDATE T SET `a`='x'WHERE`ID`=5", [5n]],
  ])('%j touches only its rows', (sql, ids) => {
    expect(shapeOf(sql)).toEqual({ kind: 'update', table: 'T', ids });
  });

  test('a database before the table is read', () => {
    expect(shapeOf('UPDATE d.T SET `a`=1 WHERE `ID` = 5')).toMatchObject({ database: 'd', table: 'T' });
  });

  test.each([
    'UPDATE T SET `ID`=6 WHERE `ID` = 5',
    'UPDATE T SET `a`=1',
    'UPDATE T SET `a`=1 WHERE `ID` = 5 OR 1',
    'UPDATE T SET `a`=1 WHERE `ID` = 5,6',
    'UPDATE T SET `a`=1 WHERE `ID` IN (5',
    'UPDATE T SET `a`=1 WHERE `ID` IN ()',
    "UPDATE T SET `a`=1 WHERE `ID` = '5'",
    'UPDATE T SET `a`=1 WHERE `ID` = 5 LIMIT 1',
    'UPDATE T SET `a`=1 WHERE `ID` > 5',
    'UPDATE T SET `a`=1 WHERE `b` = 5',
    'UPDATE T SET `a`=1 WHERE (`ID` = 5)',
    'UPDATE T SET `a`=1 WHERE `ID` = 18446744073709551616',
    'UPDATE T SET `a`=(SELECT 1) WHERE `ID` = 5',
    'UPDATE T SET `a`=(TABLE `b`) WHERE `ID` = 5',
    'UPDATE T SET `a`=f(1) WHERE `ID` = 5',
    'UPDATE T SET `a`=`f` (1) WHERE `ID` = 5',
    'UPDATE T SET `a`=@x WHERE `ID` = 5',
    'UPDATE T SET `a`=@x:=1 WHERE `ID` = 5',
    'UPDATE T SET `a`=`U`.`a` WHERE `ID` = 5',
    'UPDATE T SET `a`=(1 WHERE `ID` = 5',
    'UPDATE T SET `a`=1) WHERE `ID` = 5',
    'UPDATE T SET `a`= WHERE `ID` = 5',
    'UPDATE T SET T.`a`=1 WHERE `ID` = 5',
    'UPDATE T,U SET `a`=1 WHERE `ID` = 5',
    'UPDATE T JOIN U SET `a`=1 WHERE `ID` = 5',
    'UPDATE T AS x SET `a`=1 WHERE `ID` = 5',
    'UPDATE IGNORE T SET `a`=1 WHERE `ID` = 5',
    'UPDATE T SETT `a`=1 WHERE `ID` = 5',
  ])('%j can touch anything', (sql) => {
    expect(shapeOf(sql)).toEqual({ kind: 'other', verb: 'UPDATE' });
  });
});

describe('a delete', () => {
  test.each([
    ['DELETE FROM `T` WHERE `ID` IN (5,6)', { table: 'T', ids: [5n, 6n] }],
    ['delete from d.T where id = 5', { database: 'd', table: 'T', ids: [5n] }],
  ])('%j touches only its rows', (sql, shape) => {
    expect(shapeOf(sql)).toEqual({ kind: 'delete', ...shape });
  });

  test.each([
    'DELETE FROM T',
    'DELETE FROM `` WHERE `ID` = 5',
    'DELETE FROM T WHERE `ID` IN (5) LIMIT 1',
    'DELETE FROM T WHERE `ID` IN (SELECT 1)',
    'DELETE QUICK FROM T WHERE `ID` = 5',
    'DELETE T FROM T WHERE `ID` = 5',
    'DELETE FROM T USING T, U WHERE `ID` = 5',
    'DELETE FROM T WHERE `ID` = 5 RETURNING *',
  ])('%j can touch anything', (sql) => {
    expect(shapeOf(sql)).toEqual({ kind: 'other', verb: 'DELETE' });
  });
});

test('a REPLACE can touch anything', () => {
  expect(shapeOf('REPLACE INTO T(`a`) VALUES (1)')).toEqual({ kind: 'other', verb: 'REPLACE' });
});

test('every statement of a recorded application is understood, with the IDs that its event names', () => {
  for (const { statements, ids } of recordedLazyEvents('histories/full-1')) {
    for (const [index, { sql }] of statements.entries()) {
      const judgment = judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS);
      expect.assert(judgment.allowed);
      const { shape } = judgment;
      expect(shape.kind).not.toBe('other');
      if (shape.kind === 'update' || shape.kind === 'delete') expect(shape.ids[0]).toBe(ids[index]);
    }
  }
});
