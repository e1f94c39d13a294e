import { describe, expect, test } from 'vitest';
import { textToBinary } from '../../shared/binary-string.ts';
import { decodeMessagePack } from '../../shared/wire/decode-messagepack.ts';
import { encodeDirtyEvent } from '../../shared/wire/dirty-event.ts';
import { encodeLazyEvent } from '../../shared/wire/encode-lazy-event.ts';
import { encodeMessagePack } from '../../shared/wire/encode-messagepack.ts';
import { decodeLazyEvent, type LazyEvent } from '../../shared/wire/lazy-event.ts';
import { isMap } from '../../shared/wire/message-fields.ts';
import type { MessageValue } from '../../shared/wire/message-value.ts';
import { fixtureText, recordedBodies, recordedLazyEvents } from './wire-recordings.ts';

const EMPTY: LazyEvent = { statements: [], ids: [], cacheKeys: [], logs: [], dirty: [] };
const INSERT = { pool: 'default', sql: textToBinary('INSERT INTO T(`a`) VALUES (1)') };
const UPDATE = { pool: 'default', sql: textToBinary('UPDATE T SET `a`=1 WHERE `ID` = 5') };
const logOf = (id: bigint): LazyEvent['logs'][number] => ({
  pool: 'logs',
  table: textToBinary('_log_T'),
  id,
  meta: null,
  before: null,
  changes: null,
  updated: { seconds: 1n, nanoseconds: 0 },
});

/** The body of a map with these fields. */
function body(fields: Record<string, MessageValue>): Buffer {
  return encodeMessagePack(
    new Map(Object.entries(fields).map(([name, value]) => [textToBinary(name), value])),
  );
}

function text(value: string): MessageValue {
  return textToBinary(value);
}

describe('decoding a lazy event', () => {
  test('succeeds for every recorded event', () => {
    const recorded = recordedBodies('histories/full-1', 'orm-lazy-channel');
    expect(recordedLazyEvents('histories/full-1')).toHaveLength(recorded.size);
  });

  test('returns empty lists for missing and nil fields', () => {
    expect(decodeLazyEvent(body({}))).toEqual({ ok: true, event: EMPTY });
    const fields = { q: null, i: null, o: null, cr: null, cl: null, l: null, d: null };
    expect(decodeLazyEvent(body(fields))).toEqual({ ok: true, event: EMPTY });
  });

  test('returns an ID for each statement, and 0 if it is missing', () => {
    const statement = [text('default'), text('DELETE'), null];
    const result = decodeLazyEvent(body({ q: [statement, statement, statement], i: [2n ** 64n - 1n, null] }));
    expect(result).toMatchObject({ ok: true, event: { ids: [18446744073709551615n, 0n, 0n] } });
  });

  test('ignores unknown fields', () => {
    expect(decodeLazyEvent(body({ zz: [1, 2], cl: 5 }))).toEqual({ ok: true, event: EMPTY });
  });

  test.each<[string, Record<string, MessageValue>, string]>([
    ['statements that are not a list', { q: 5 }, 'q: expected a list, found a number'],
    ['a statement that is not a list', { q: [null] }, 'q[]: expected a list, found nil'],
    ['a statement without SQL', { q: [[text('default')]] }, 'q[][1]: expected a string, found nothing'],
    [
      'a negative id',
      { q: [[text('p'), text('s')]], i: [-1] },
      'i[]: expected an integer of 0 or more, found a number',
    ],
    ['cache keys in a list', { cr: [] }, 'cr: expected a map, found a list'],
    [
      'a log value without a table',
      { l: [new Map([[textToBinary('PoolName'), text('p')]])] },
      'TableName: expected a string, found nothing',
    ],
    ['a dirty event without its event', { d: [new Map()] }, 'd[].Event: expected a map, found nothing'],
  ])('returns an error with the path: %s', (_, fields, message) => {
    expect(decodeLazyEvent(body(fields))).toEqual({ ok: false, error: { message } });
  });

  test('never quotes a value in an error', () => {
    const result = decodeLazyEvent(encodeMessagePack(textToBinary('a secret')));
    expect(result).toEqual({ ok: false, error: { message: 'lazy event: expected a map, found a string' } });
  });
});

describe('encoding a lazy event', () => {
  test('preserves every recorded event', () => {
    for (const event of recordedLazyEvents('histories/full-1'))
      expect(decodeLazyEvent(encodeLazyEvent(event))).toEqual({ ok: true, event });
  });

  test('omits empty fields, because a nil would stop BeeORM', () => {
    expect(fieldsOf(EMPTY)).toEqual([]);
    expect(fieldsOf({ ...EMPTY, logs: [logOf(5n)] })).toEqual(['l']);
  });

  test.each<[string, Partial<LazyEvent>, string]>([
    ['an update', { statements: [UPDATE], ids: [5n], logs: [logOf(5n)] }, 'u'],
    [
      'an insert whose effects need the chosen ID',
      { statements: [INSERT], ids: [0n], logs: [logOf(0n)] },
      'i',
    ],
    ['an insert with effects of a known row', { statements: [INSERT], ids: [0n], logs: [logOf(5n)] }, 'u'],
    [
      'an insert with a key that needs the chosen ID',
      {
        statements: [UPDATE, INSERT],
        ids: [5n, 0n],
        logs: [logOf(5n)],
        cacheKeys: [{ redisPool: 'default', keys: [textToBinary('abc:0')] }],
      },
      'i',
    ],
  ])('gives BeeORM the least harmful operation: %s', (_, event, operation) => {
    const decoded = decodeMessagePack(encodeLazyEvent({ ...EMPTY, ...event }));
    expect.assert(decoded.ok && isMap(decoded.value));
    expect(decoded.value.get(textToBinary('o'))).toBe(operation);
  });
});

function fieldsOf(event: LazyEvent): string[] {
  const decoded = decodeMessagePack(encodeLazyEvent(event));
  expect.assert(decoded.ok && isMap(decoded.value));
  return [...decoded.value.keys()];
}

test('dirty events have the bytes that BeeORM publishes', () => {
  const expected: Record<string, { s: string }[]> = JSON.parse(fixtureText('crud/after-streams.json'));
  const published = new Set(Object.values(expected).flatMap((entries) => entries.map(({ s }) => s)));
  const dirty = recordedLazyEvents('crud').flatMap((event) => event.dirty);
  expect(dirty.length).toBeGreaterThan(0);
  for (const { event, id, action } of dirty) {
    // MySQL chose the ID of an insert: it is one of the published IDs.
    const candidates = action === 'i' && id === 0n ? [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n] : [id];
    const bodies = candidates.map((candidate) => encodeDirtyEvent(event, candidate).toString('base64'));
    expect(bodies.some((base64) => published.has(base64))).toBe(true);
  }
});
