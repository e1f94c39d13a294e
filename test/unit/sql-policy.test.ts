import { describe, expect, test } from 'vitest';
import { textToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, type Judgment, judgeStatement } from '../../shared/sql/statement.ts';
import { recordedLazyEvents } from './wire-recordings.ts';

function judge(sql: string, allowed: ReadonlySet<string> = DEFAULT_ALLOWED_STATEMENTS): Judgment {
  return judgeStatement(textToBinary(sql), allowed);
}

describe('allowed statements', () => {
  test('include every statement of a recorded application', () => {
    const statements = recordedLazyEvents('histories/full-1').flatMap((event) => event.statements);
    expect(statements.length).toBeGreaterThan(2_000);
    for (const { sql } of statements)
      expect(judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS)).toMatchObject({ allowed: true });
  });

  test('include all statements of a recorded application with poison, except the poison', () => {
    const reasons = recordedLazyEvents('histories/poison-1')
      .flatMap((event) => event.statements)
      .map(({ sql }) => judgeStatement(sql, DEFAULT_ALLOWED_STATEMENTS))
      .flatMap((judgment) => (judgment.allowed ? [] : [judgment.reason.replace(/ at byte \d+/, '')]));
    expect(reasons.toSorted()).toEqual([
      'A comment (#)',
      'A comment (#)',
      'A comment (#)',
      'A comment (--)',
      'A comment (/*)',
      'A semicolon outside of strings',
      'A semicolon outside of strings',
      'A semicolon outside of strings',
      'An unterminated string or quoted name',
      'An unterminated string or quoted name',
      'DROP is not among the allowed statements',
    ]);
  });

  test.each([
    `INSERT INTO t(\`a\`) VALUES ('; -- # /* */ \\' '' "')`,
    `UPDATE t SET a="; ' \\" "" #" WHERE ID=1`,
    'UPDATE `a;b#--  /*``x` SET `b`=1',
    `UPDATE t SET a='LOAD_FILE(1) INTO OUTFILE'`,
    'UPDATE t SET a=5--3, b=a--1, c=a--b',
    'UPDATE t SET a=6/2*3',
    'delete from t where id = 1',
    ' \n\tREPLACE INTO t VALUES (1) \n',
    'UPDATE t SET `load_file`=1',
    "INSERT INTO DumpFile(`a`) VALUES ('x')",
    'UPDATE a$b$c SET x$=1',
    "UPDATE t SET a='\0'",
    "UPDATE t SET a=N'x', b=x'41', c=_utf8'é'",
  ])('%j is allowed', (sql) => {
    expect(judge(sql)).toMatchObject({ allowed: true });
  });
});

describe('refused statements', () => {
  test.each([
    ['', 'An empty statement'],
    [' \n', 'An empty statement'],
    ['(DELETE FROM t)', 'Does not begin with a statement'],
    ['5', 'Does not begin with a statement'],
    ['SELECT 1', 'SELECT is not among the allowed statements'],
    ['drop table t', 'DROP is not among the allowed statements'],
    ['INSERTS', 'INSERTS is not among the allowed statements'],
    ['DELETE FROM t;', 'A semicolon outside of strings at byte 13'],
    ['DELETE FROM t; DROP TABLE t', 'A semicolon outside of strings at byte 13'],
    [`UPDATE t SET a='\\\\'; DROP TABLE t -- '`, 'A semicolon outside of strings at byte 19'],
    [`UPDATE t SET a='x''\\''; DROP TABLE t`, 'A semicolon outside of strings at byte 22'],
    ['DELETE FROM t # x', 'A comment (#) at byte 14'],
    ['DELETE FROM t -- x', 'A comment (--) at byte 14'],
    ['DELETE FROM t --', 'A comment (--) at byte 14'],
    ['DELETE FROM t --\tx', 'A comment (--) at byte 14'],
    ['DELETE FROM t --\x01x', 'A comment (--) at byte 14'],
    ['DELETE FROM t ---- x', 'A comment (--) at byte 16'],
    ['DELETE /* x */ FROM t', 'A comment (/*) at byte 7'],
    ['DELETE /*! x */ FROM t', 'A comment (/*) at byte 7'],
    ['DELETE /*+ x */ FROM t', 'A comment (/*) at byte 7'],
    [`UPDATE t SET a='x`, 'An unterminated string or quoted name at byte 15'],
    [`UPDATE t SET a='x\\'`, 'An unterminated string or quoted name at byte 15'],
    [`UPDATE t SET a='x''`, 'An unterminated string or quoted name at byte 15'],
    [`UPDATE t SET a="x'`, 'An unterminated string or quoted name at byte 15'],
    ['UPDATE `t SET a=1', 'An unterminated string or quoted name at byte 7'],
    ['UPDATE t SET a=\0', 'A NUL outside of strings at byte 15'],
    [`UPDATE t SET a=\\'x\\'`, 'A backslash outside of strings at byte 15'],
    [`UPDATE t SET a=load_file('/x')`, 'LOAD_FILE at byte 15'],
    [`UPDATE t SET a=LOAD_FILE ('/x')`, 'LOAD_FILE at byte 15'],
    [`UPDATE t SET a=\`Load_File\` ('/x')`, 'LOAD_FILE at byte 15'],
    [`UPDATE t SET a=LOAD_F\u0130LE('/x')`, 'LOAD_FILE at byte 15'],
    [`DELETE FROM t INTO OUTFILE '/x'`, 'INTO OUTFILE at byte 19'],
    [`DELETE FROM t into\noutfile'/x'`, 'INTO OUTFILE at byte 19'],
    [`DELETE FROM t INTO DUMPFILE "/x"`, 'INTO DUMPFILE at byte 19'],
    [`UPDATE t SET a=$$ ' $$; DROP TABLE t; $$ ' $$`, 'A dollar-quoted string at byte 15'],
    [`UPDATE t SET a=$q$ ' $q$`, 'A dollar-quoted string at byte 15'],
    [`UPDATE t SET a=1.5$$ ' $$`, 'A dollar-quoted string at byte 17'],
    [`UPDATE t SET a=1.e5$$ ' $$`, 'A dollar-quoted string at byte 17'],
  ])('%j: %s', (sql, reason) => {
    expect(judge(sql)).toEqual({ allowed: false, reason });
  });

  test('do not include a verb that the configuration allows, but such a statement can touch anything', () => {
    expect(judge('call p(1)', new Set(['CALL']))).toEqual({
      allowed: true,
      shape: { kind: 'other', verb: 'CALL' },
    });
    expect(judge('INSERT INTO t(`a`) VALUES (1)', new Set(['CALL']))).toMatchObject({ allowed: false });
  });

  test('are never quoted in the reason', () => {
    for (const sql of [
      `UPDATE t SET a='secret'; x`,
      `UPDATE t SET a='secret`,
      `secret-7 INSERT`,
      'x'.repeat(99),
    ])
      expect(JSON.stringify(judge(sql))).not.toMatch(/secret-|secret'|x{21}/);
  });
});
