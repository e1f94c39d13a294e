import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentValue } from '../../functions/poller/channels/search/document-value.ts';
import { derivedType, doesFit } from '../../functions/poller/channels/search/field-types.ts';
import { defineIndex, type IndexSources } from '../../functions/poller/channels/search/search-index.ts';
import { UnixTime } from '../../functions/poller/channels/search/unix-time.ts';
import { binaryToBytes, bytesToBinary, textToBinary } from '../../shared/binary-string.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import { type FieldType, parseSearchSettings } from '../../shared/search-settings.ts';

const utc = new UnixTime('UTC');

function written(type: FieldType, value: string | null): string {
  const result = documentValue(type, value === null ? null : textToBinary(value), utc);
  return binaryToBytes(result).toString();
}

describe('a value in a search document', () => {
  test.each([
    ['integer', '18446744073709551615', '18446744073709551615'],
    ['integer', '-5', '-5'],
    ['integer', '007', '7'],
    ['integer', null, '-9223372036854775807'],
    ['float', '1e21', '1000000000000000000000'],
    ['float', '-0', '-0'],
    ['float', '1.5e-7', '0.00000015'],
    ['float', '1234567.50', '1234567.5'],
    ['float', '5e-324', `0.${'0'.repeat(323)}5`],
    ['float', '100', '100'],
    ['float', null, '-9223372036854775807'],
    ['text', '_', '\\_'],
    ['text', 'a_b', 'a_b'],
    ['text', 'admin,guest', 'admin\\,guest'],
    ['text', '', ''],
    ['text', null, 'NULL'],
    ['bool', '0', 'false'],
    ['bool', '7', 'true'],
    ['bool', null, 'NULL'],
    ['time', '0001-01-01 05:00:00', '0'],
    ['time', '0000-00-00', '-62135596800'],
    ['time', '1969-12-31 23:59:59', '-1'],
    ['time', '2022-07-04 12:01:02.500000', '1656936062'],
    ['time', null, '-9223372036854775807'],
    ['references', '[1, 2]', 'e1 e2'],
    ['references', '[12,3]', 'e12 e3'],
    ['references', null, ''],
  ] as const)('of type %s: %s becomes %s', (type, value, expected) => {
    expect(written(type, value)).toBe(expected);
  });

  test('keeps bytes that are not UTF-8', () => {
    const bytes = Buffer.from([0xff, 0x2d, 0x80]);
    const value = documentValue('text', bytesToBinary(bytes), utc);
    expect(binaryToBytes(value)).toEqual(Buffer.from([0xff, 0x5c, 0x2d, 0x80]));
  });

  test('of type float is parsed as the same number again, for every number', () => {
    const seed = 5;
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = written('float', String(number));
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text) === number).toBe(true);
      }),
      { seed, numRuns: 2000 },
    );
  });

  test.each([
    ['Europe/Warsaw', '2022-07-04 12:00:00', '2022-07-04T10:00:00Z'],
    ['Europe/Warsaw', '2022-01-04', '2022-01-03T23:00:00Z'],
    // Go's result for a time that the clocks skip, and for one that occurs twice.
    ['Europe/Warsaw', '2022-03-27 02:30:00', '2022-03-27T01:30:00Z'],
    ['Europe/Warsaw', '2022-10-30 02:30:00', '2022-10-30T01:30:00Z'],
    ['America/New_York', '1969-12-31 19:00:00', '1970-01-01T00:00:00Z'],
    ['Asia/Kolkata', '1000-01-01 00:00:00', undefined],
  ])('of type time in %s: %s becomes %s', (timeZone, text, expected) => {
    const seconds = new UnixTime(timeZone).secondsOf(text);
    if (expected === undefined) expect(Number.isInteger(seconds)).toBe(true);
    else expect(new Date(seconds * 1000).toISOString()).toBe(expected.replace('Z', '.000Z'));
  });
});

describe('the type of a field', () => {
  test.each([
    ['NUMERIC', 'bigint', 'integer'],
    ['NUMERIC', 'decimal', 'float'],
    ['NUMERIC', 'datetime', 'time'],
    ['TAG', 'tinyint', 'bool'],
    ['TAG', 'set', 'text'],
    ['TEXT', 'mediumtext', 'text'],
    ['TEXT', 'json', 'references'],
    ['GEO', 'varchar', undefined],
    ['NUMERIC', 'varchar', undefined],
    ['TEXT', 'blob', undefined],
  ])('%s with a column of type %s is %s', (type, column, expected) => {
    expect(derivedType({ name: 'x', type, weight: 1 }, column)).toBe(expected);
  });

  test('TEXT of weight 0 is a list of references, even if the column stores JSON as text', () => {
    expect(derivedType({ name: 'x', type: 'TEXT', weight: 0 }, 'longtext')).toBe('references');
  });

  test('must fit the column if the settings specify it', () => {
    expect(doesFit('integer', 'varchar')).toBe(false);
    expect(doesFit('float', 'int')).toBe(true);
  });
});

describe('an index', () => {
  const redisPool = {
    code: 'search',
    target: { kind: 'tcp', host: 'h', port: 1 },
    database: 0,
    namespace: 'shop',
    tls: false,
  } as const;
  const column = (name: string, type: string) => ({ name: textToBinary(name), type });
  const sources: IndexSources = {
    name: 'main.Order',
    settings: {},
    redisPool,
    info: { prefixes: ['shop:abcde:'], fields: [{ name: 'Name', type: 'TEXT', weight: 1 }] },
    columns: [column('ID', 'int'), column('Name', 'varchar'), column('FakeDelete', 'int')],
  };

  test('is derived from its definition in Redis and from the columns of its table', () => {
    expect(defineIndex(sources)).toMatchObject({
      mysqlPool: 'default',
      table: 'Order',
      prefix: 'shop:abcde:',
      withoutFakeDeleted: true,
      fields: [{ name: 'Name', type: 'text' }],
    });
  });

  test("that doesn't exist has the prefix that BeeORM derives from its name", () => {
    const settings = { fields: { Name: 'text' } } as const;
    const index = defineIndex({ ...sources, name: 'main.HSearch', info: undefined, settings });
    expect(index).toMatchObject({ prefix: 'shop:41501:' });
  });

  test("that can't be derived reports all of its problems", () => {
    const fields = [
      { name: 'Place', type: 'GEO', weight: 1 },
      { name: 'Name', type: 'NUMERIC', weight: 1 },
    ];
    expect(defineIndex({ ...sources, info: { prefixes: [], fields } })).toEqual({
      problem:
        'there is no column for field Place; field Name of type NUMERIC cannot be derived from a column of type varchar' +
        " (table 'Order' of MySQL pool 'default')",
    });
  });
});

describe('the settings of search indexes', () => {
  test('are refused with the location of each invalid one', () => {
    const invalid = {
      timeZone: 'Mars',
      indexes: { 'main.A': { fields: { Name: 'string' } }, 'main.B': { x: 1 } },
    };
    expect(() => parseSearchSettings(invalid, 'search.yaml')).toThrow(ConfigurationError);
    expect(() => parseSearchSettings(invalid, 'search.yaml')).toThrow(
      /^search\.yaml: timeZone: .*; indexes > main\.A > fields > Name: .*; indexes > main\.B: /,
    );
  });
});
