import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BinaryString, bytesToBinary } from '../../shared/binary-string.ts';
import { decodeMessagePack } from '../../shared/wire/decode-messagepack.ts';
import { encodeMessagePack } from '../../shared/wire/encode-messagepack.ts';
import { isList } from '../../shared/wire/message-fields.ts';
import type { MessageValue } from '../../shared/wire/message-value.ts';
import { recordedBodies } from './wire-recordings.ts';

const binaryString: fc.Arbitrary<BinaryString> = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => bytesToBinary(bytes));
/** Without keys that JavaScript would reorder or reject. */
const key = binaryString.map((name) => bytesToBinary(Buffer.from(`k${name}`, 'latin1')));

const { messageValue } = fc.letrec<{ messageValue: MessageValue }>((tie) => ({
  messageValue: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    binaryString,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.record({
      seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    }),
    fc.array(tie('messageValue'), { maxLength: 20 }),
    fc.array(fc.tuple(key, tie('messageValue')), { maxLength: 20 }).map((entries) => new Map(entries)),
  ),
}));

/** An integer of up to 32 bits is decoded as a number. */
function normalized(value: MessageValue): MessageValue {
  if (typeof value === 'bigint') return value >= -(2n ** 31n) && value < 2n ** 32n ? Number(value) : value;
  if (value instanceof Map) return new Map(Array.from(value, ([name, item]) => [name, normalized(item)]));
  return isList(value) ? value.map(normalized) : value;
}

const MEGABYTE = 1024 * 1024;

function decode(...bytes: number[]): unknown {
  const result = decodeMessagePack(Buffer.from(bytes));
  return result.ok ? result.value : result.error.message;
}

describe('decoding', () => {
  test('preserves integers of 64 bits', () => {
    expect(decode(0xcf, 255, 255, 255, 255, 255, 255, 255, 255)).toBe(18446744073709551615n);
    expect(decode(0xd3, 128, 0, 0, 0, 0, 0, 0, 0)).toBe(-9223372036854775808n);
  });

  test('preserves non-UTF-8 bytes of strings, in values and in keys', () => {
    expect(decode(0xa2, 0xff, 0x00)).toBe('\xff\0');
    expect(decode(0x81, 0xa1, 0xff, 0xa1, 0xfe)).toEqual(new Map([['\xff', '\xfe']]));
  });

  test('distinguishes keys that differ only in invalid bytes', () => {
    expect(decode(0x82, 0xa1, 0xff, 0x01, 0xa1, 0xfe, 0x02)).toEqual(
      new Map([
        ['\xff', 1],
        ['\xfe', 2],
      ]),
    );
  });

  test.each([
    ['4', [0xd6, 0xff, 0, 0, 0, 5], 5n, 0],
    ['8', [0xd7, 0xff, 0xee, 0x6b, 0x27, 0xfc, 0, 0, 0, 5], 5n, 999_999_999],
    ['12', [0xc7, 12, 0xff, 0, 0, 0, 7, 255, 255, 255, 255, 255, 255, 255, 255], -1n, 7],
  ])('preserves seconds and nanoseconds of a timestamp of %s bytes', (_, bytes, seconds, nanoseconds) => {
    expect(decode(...bytes)).toEqual({ seconds, nanoseconds });
  });

  test('converts keys that are not strings to text', () => {
    expect(decode(0x83, 0x01, 0x01, 0xc3, 0x02, 0xc0, 0x03)).toEqual(
      new Map([
        ['1', 1],
        ['true', 2],
        ['null', 3],
      ]),
    );
  });

  test.each([
    ['no bytes', []],
    ['a byte that begins nothing', [0xc1]],
    ['bytes after the value', [0x01, 0x02]],
    ['a string that ends early', [0xa5, 0x61]],
    ['a length that ends early', [0xdb, 0, 0]],
    ['a float that ends early', [0xcb, 0, 0]],
    ['a map without its last value', [0x81, 0xa1, 0x61]],
    ['a list as a map key', [0x81, 0x90, 0x01]],
    ['an unknown extension', [0xd4, 5, 0]],
    ['a timestamp of 5 bytes', [0xc7, 5, 0xff, 0, 0, 0, 0, 0]],
    ['a timestamp with too many nanoseconds', [0xd7, 0xff, 255, 255, 255, 252, 0, 0, 0, 5]],
    ['a key that JavaScript objects reserve', [0x81, 0xa9, ...Buffer.from('__proto__'), 0x01]],
  ])('returns an error value for %s', (_, bytes) => {
    expect(decodeMessagePack(Buffer.from(bytes))).toMatchObject({ ok: false });
  });

  test('returns an error value for endless nesting', () => {
    const lists = Buffer.concat([Buffer.alloc(MEGABYTE, 0x91), Buffer.of(0xc0)]);
    expect(decodeMessagePack(lists)).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching('Nested') },
    });
  });

  test.each([
    ['a list of 4 billion', Buffer.from([0xdd, 255, 255, 255, 255])],
    ['a map of 4 billion', Buffer.from([0xdf, 255, 255, 255, 255])],
    ['a string of 4 GB', Buffer.from([0xdb, 255, 255, 255, 255])],
    ['100,000 nested lists, each as long as the bytes', Buffer.from('dd00080000'.repeat(100_000), 'hex')],
  ])('allocates nothing for %s that damaged lengths claim', (_, bytes) => {
    const before = process.memoryUsage().rss;
    expect(decodeMessagePack(bytes)).toMatchObject({ ok: false });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MEGABYTE);
  });

  test('distinguishes binaries from strings in every form of their length', () => {
    for (const length of [0, 1, 31, 32, 0xa5, 0xc4, 0xd9, 255, 256, 0xc4c4, 0xd9d9, 65535, 65536, 70000]) {
      for (const fill of [0, 0xa0, 0xc4, 0xd9, 0xda]) {
        const payload = Buffer.alloc(length, fill);
        for (const [head, isBinary] of headsOf(length)) {
          const result = decodeMessagePack(Buffer.concat([Buffer.of(0x92, fill & 0x7f), head, payload]));
          expect(result).toEqual({
            ok: true,
            value: [fill & 0x7f, isBinary ? payload : bytesToBinary(payload)],
          });
        }
      }
    }
  });
});

/** Every head that a string or binary of this length may have. */
function headsOf(length: number): [head: Buffer, isBinary: boolean][] {
  const heads: [Buffer, boolean][] = [];
  const inBytes = (head: number, size: number): Buffer => {
    const bytes = Buffer.alloc(1 + size, head);
    bytes.writeUIntBE(length, 1, size);
    return bytes;
  };
  if (length < 32) heads.push([Buffer.of(0xa0 + length), false]);
  if (length < 0x100) heads.push([inBytes(0xd9, 1), false], [inBytes(0xc4, 1), true]);
  if (length < 0x10000) heads.push([inBytes(0xda, 2), false], [inBytes(0xc5, 2), true]);
  heads.push([inBytes(0xdb, 4), false], [inBytes(0xc6, 4), true]);
  return heads;
}

describe('encoding', () => {
  test.each<[MessageValue, string]>([
    [127, '7f'],
    [128n, 'cc80'],
    [256, 'cd0100'],
    [65536, 'ce00010000'],
    [4294967295n, 'ceffffffff'],
    [4294967296n, 'cf0000000100000000'],
    [-32, 'e0'],
    [-33n, 'd0df'],
    [-129, 'd1ff7f'],
    [-32769, 'd2ffff7fff'],
    [-2147483649n, 'd3ffffffff7fffffff'],
    [0.5, 'cb3fe0000000000000'],
    [4294967296, 'cb41f0000000000000'],
    [-0, 'cb8000000000000000'],
  ])('writes %s in the shortest form: %s', (value, hex) => {
    expect(encodeMessagePack(value).toString('hex')).toBe(hex);
  });

  test('reproduces recorded bytes, except for integral floats', () => {
    let same = 0;
    const bodies = [...recordedBodies('histories/full-1', 'orm-lazy-channel').values()];
    for (const body of bodies) {
      const decoded = decodeMessagePack(body);
      expect.assert(decoded.ok);
      const encoded = encodeMessagePack(decoded.value);
      same += encoded.equals(body) ? 1 : 0;
      expect(decodeMessagePack(encoded)).toEqual(decoded);
    }
    expect(same / bodies.length).toBeGreaterThan(0.9);
  });

  test('preserves every value', () => {
    const seed = Date.now() & 0x7fffffff;
    const numRuns = 2_000;
    console.log(`MessagePack round trips: seed ${seed}, ${numRuns} values`);
    fc.assert(
      fc.property(messageValue, (value) => {
        expect(decodeMessagePack(encodeMessagePack(value))).toEqual({ ok: true, value: normalized(value) });
      }),
      { seed, numRuns },
    );
  });
});
