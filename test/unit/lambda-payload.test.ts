import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PAYLOAD_BYTES, packPayload, unpackPayload } from '../../shared/aws/payload.ts';
import { bytesToBinary } from '../../shared/binary-string.ts';

const anyValue = fc.record({
  binary: fc.uint8Array({ maxLength: 500 }).map(bytesToBinary),
  text: fc.string({ unit: 'binary', maxLength: 200 }),
  numbers: fc.array(fc.integer(), { maxLength: 20 }),
});

describe('a payload', () => {
  test('is unchanged after unpacking, compressed or not', async () => {
    await fc.assert(
      fc.asyncProperty(anyValue, fc.constantFrom(50, 1_000_000), async (value, maxBytes) => {
        const packed = await packPayload({ value }, Math.max(maxBytes, 5000));
        expect(packed).toBeDefined();
        const sent: unknown = JSON.parse(packed?.json ?? '');
        expect(await unpackPayload(sent)).toEqual({ value });
      }),
      { numRuns: 500 },
    );
  });

  test('of all byte values is compressed to less than the limit', async () => {
    const bytes = new Uint8Array(4 * 1024 * 1024).map((_, index) => index % 256);
    const packed = await packPayload({ sql: bytesToBinary(bytes) });
    expect(Buffer.byteLength(packed?.json ?? '')).toBeLessThan(MAX_PAYLOAD_BYTES);
    expect(await unpackPayload(packed?.value)).toEqual({ sql: bytesToBinary(bytes) });
  });

  test('is undefined if it does not fit even when compressed', async () => {
    const bytes = new Uint8Array(6 * 1024 * 1024);
    for (let start = 0; start < bytes.length; start += 65_536)
      crypto.getRandomValues(bytes.subarray(start, start + 65_536));
    expect(await packPayload({ sql: bytesToBinary(bytes) })).toBeUndefined();
  });

  test('causes an error that quotes nothing of it if it is damaged', async () => {
    const damaged = { gzip: Buffer.from('secret').toString('base64') };
    await expect(unpackPayload(damaged)).rejects.toThrow('cannot be read');
  });
});
