import { describe, expect, test } from 'vitest';
import { bytesToBinary, textToBinary } from '../../shared/binary-string.ts';
import { DEFAULT_ALLOWED_STATEMENTS, judgeStatement } from '../../shared/sql/statement.ts';
import { logRowInsert } from '../../shared/wire/log-row.ts';
import { decodeLogValue, encodeLogValue, type LogValue } from '../../shared/wire/log-value.ts';
import type { MessageMap, MessageValue } from '../../shared/wire/message-value.ts';
import { canonicalJson } from '../kit/log-rows.ts';
import { fixtureText, recordedBodies, recordedLogValues } from './wire-recordings.ts';

const NOON: LogValue = {
  pool: 'logs',
  table: textToBinary('_log_T'),
  id: 5n,
  meta: null,
  before: null,
  changes: null,
  updated: { seconds: BigInt(Date.UTC(2026, 10, 22, 12)) / 1000n, nanoseconds: 999_999_999 },
};
const HEAD = 'INSERT INTO `_log_T`(`entity_id`,`added_at`,`meta`,`before`,`changes`) VALUES ';

function mapOf(...entries: [string, MessageValue][]): MessageMap {
  return new Map(entries.map(([name, value]) => [textToBinary(name), value]));
}

/** The values of the INSERT as MySQL would parse them. */
function valuesOf(sql: string): (string | null)[] {
  const tuple = sql.slice(sql.indexOf('VALUES (') + 'VALUES ('.length, -1);
  return Array.from(tuple.matchAll(/'((?:\\.|[^'\\])*)'|[^,]+/gs), ([whole, quoted]) => {
    if (whole === 'NULL') return null;
    const bytes = Buffer.from(quoted?.replaceAll(/\\(.)/gs, '$1') ?? whole, 'latin1');
    return bytes.toString('utf8');
  });
}

function changesJson(...entries: [string, MessageValue][]): string | null | undefined {
  return valuesOf(logRowInsert({ ...NOON, changes: mapOf(...entries) }, 5n))[4];
}

describe('the row of a log value', () => {
  test('is one INSERT, with the time in UTC and NULL for a nil map', () => {
    expect(logRowInsert(NOON, 18446744073709551615n)).toBe(
      `${HEAD}(18446744073709551615,'2026-11-22 12:00:00',NULL,NULL,NULL)`,
    );
  });

  test('keeps quotes and backslashes within the literal', () => {
    const sql = logRowInsert({ ...NOON, meta: mapOf([`'`, textToBinary(`\\'); -- "`)]) }, 5n);
    expect(sql).toBe(`${HEAD}(5,'2026-11-22 12:00:00','{"\\'":"\\\\\\\\\\'); -- \\\\""}',NULL,NULL)`);
  });

  test('doubles a backtick in the name of the table', () => {
    expect(logRowInsert({ ...NOON, table: textToBinary('a`b') }, 5n)).toMatch(/^INSERT INTO `a``b`\(/);
  });

  test('writes the year 1 with four digits', () => {
    const yearOne = { ...NOON, updated: { seconds: -62_135_596_800n, nanoseconds: 0 } };
    expect(logRowInsert(yearOne, 5n)).toContain(`'0001-01-01 00:00:00'`);
  });

  test('is judged as a groupable insert', () => {
    for (const log of recordedLogValues('histories/full-1')) {
      const judgment = judgeStatement(logRowInsert(log, 5n), DEFAULT_ALLOWED_STATEMENTS);
      expect(judgment).toMatchObject({ shape: { kind: 'insert', table: log.table, groupable: true } });
    }
  });
});

describe('JSON of a log row', () => {
  test.each<[string, MessageValue, string]>([
    ['an integer of 64 bits keeps its digits', 18446744073709551615n, '18446744073709551615'],
    ['a float keeps its digits', 0.1 + 0.2, '0.30000000000000004'],
    ['a large float has an exponent', 1e300, '1e+300'],
    ['NaN, which JSON lacks, is null', Number.NaN, 'null'],
    ['text is text', textToBinary('żółć\0"'), '"żółć\\u0000\\""'],
    ['bytes that are not UTF-8 are base64', bytesToBinary(Buffer.of(0xff, 0)), '"/wA="'],
    ['a binary is base64', Buffer.from('abc'), '"YWJj"'],
    ['a time is RFC 3339', { seconds: 0n, nanoseconds: 120_000_000 }, '"1970-01-01T00:00:00.12Z"'],
    [
      'a time beyond the calendar is its seconds',
      { seconds: 2n ** 62n, nanoseconds: 1 },
      '"4611686018427387904.000000001"',
    ],
    ['lists and maps nest', [mapOf(['a', null]), [true, -0]], '[{"a":null},[true,-0]]'],
  ])('%s', (_, value, json) => {
    expect(changesJson(['x', value])).toBe(`{"x":${json}}`);
  });

  test('a key that is not UTF-8 is base64', () => {
    const changes = new Map([[bytesToBinary(Buffer.of(0xff)), 1]]);
    expect(valuesOf(logRowInsert({ ...NOON, changes }, 5n))[4]).toBe('{"/w==":1}');
  });
});

describe('recorded log values', () => {
  test('become the rows that the whole application must result in', () => {
    const tables: Record<string, Record<string, string>[]> = JSON.parse(
      fixtureText('histories/full-1/expected.json'),
    );
    const before: Record<string, unknown[]> = JSON.parse(fixtureText('histories/full-1/before.json'));
    const expected = Object.entries(tables)
      .filter(([table]) => table.includes('._log_'))
      .flatMap(([table, rows]) =>
        rows
          .slice(before[table]?.length ?? 0)
          .map((row) =>
            rowText(table.split('.')[1], [row['added_at'], row['meta'], row['before'], row['changes']]),
          ),
      );
    const actual = recordedLogValues('histories/full-1').map((log) =>
      rowText(log.table, valuesOf(logRowInsert(log, log.id)).slice(1)),
    );
    expect(actual.toSorted()).toEqual(expected.toSorted());
  });

  test('are unchanged after encoding and decoding', () => {
    for (const log of recordedLogValues('histories/full-1'))
      expect(decodeLogValue(encodeLogValue(log))).toEqual({ ok: true, log });
  });

  test('have the bytes that BeeORM wrote, except for integral floats', () => {
    const bodies = [...recordedBodies('histories/full-1', 'orm-log-channel').values()];
    const same = bodies.filter((body) => {
      const result = decodeLogValue(body);
      return result.ok && encodeLogValue(result.log).equals(body);
    });
    expect(same.length / bodies.length).toBeGreaterThan(0.9);
  });
});

function rowText(table: string | undefined, [addedAt, ...maps]: (string | null | undefined)[]): string {
  return [table, addedAt, ...maps.map((json) => canonicalJson(json ?? null))].join(' ');
}

test('a time that MySQL cannot hold is an error value', () => {
  const late = { ...NOON, updated: { seconds: 253_402_300_800n, nanoseconds: 0 } };
  expect(decodeLogValue(encodeLogValue(late))).toEqual({
    ok: false,
    error: { message: 'Updated: expected a time within the years 0 to 9999' },
  });
});
