import { describe, expect, test } from 'vitest';
import { insertedIdLiterals, isAllowedStatement, tableOf } from '../oracle/statement.ts';

describe("the oracle's statement parser", () => {
  test.each([
    "INSERT INTO T(`A`) VALUES ('; -- # /* ')",
    "UPDATE T SET `A`='it''s \\' ; fine' WHERE `ID` = 1",
    'DELETE FROM `T;--#` WHERE `ID` IN (1)',
    'REPLACE INTO T VALUES (5--3)',
  ])('allows: %s', (sql) => {
    expect(isAllowedStatement(sql)).toBe(true);
  });

  test.each([
    'UPDATE T SET `A`=1;',
    'UPDATE T SET `A`=1 -- ',
    'UPDATE T SET `A`=1 --',
    'UPDATE T SET `A`=1 #',
    'UPDATE T SET `A`=1 /* */',
    "UPDATE T SET `A`='unterminated WHERE `ID` = 1",
    "UPDATE T SET `A`='\\' WHERE `ID` = 1",
    'DROP TABLE T',
    '',
    "INSERT INTO T SELECT LOAD_FILE('x')",
  ])('refuses: %s', (sql) => {
    expect(isAllowedStatement(sql)).toBe(false);
  });

  test('finds the table, whether or not its name is quoted', () => {
    expect(tableOf('INSERT INTO User(`ID`) VALUES (1)')).toBe('User');
    expect(tableOf('UPDATE `User` SET `A`=1')).toBe('User');
    expect(tableOf('DELETE FROM `User` WHERE `ID` IN (1)')).toBe('User');
  });

  test('finds the id that each row of an insert specifies, or undefined if it specifies none', () => {
    expect(insertedIdLiterals("INSERT INTO T(`A`,`ID`) VALUES ('),(',7),('b',8)")).toEqual(['7', '8']);
    expect(insertedIdLiterals('INSERT INTO T(`A`) VALUES (f(1,2)),(3)')).toEqual([undefined, undefined]);
  });
});
