import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBody } from '../../functions/poller/channels/own-streams/entry-body.ts';
import { encode, Time, type WireValue } from '../kit/generate/messagepack.ts';

const bodyOf = (s: Buffer | string | undefined) =>
  readBody({
    id: '1-1',
    earlierAttempts: 0,
    fields: s === undefined ? [[Buffer.from('tag'), Buffer.from('x')]] : [[Buffer.from('s'), Buffer.from(s)]],
  });

describe('the body of a record', () => {
  test.each<[WireValue, string]>([
    [{ I: 7, A: 'u', E: 'main.Order' }, '{"I":7,"A":"u","E":"main.Order"}'],
    [{ I: 9_007_199_254_740_991n }, '{"I":9007199254740991}'],
    [{ I: 9_007_199_254_740_992n }, '{"I":"9007199254740992"}'],
    [{ I: -9_007_199_254_740_991n }, '{"I":-9007199254740991}'],
    [[-9_223_372_036_854_775_808n], '["-9223372036854775808"]'],
    [{ a: [1.5, null, true, { b: 'ü' }] }, '{"a":[1.5,null,true,{"b":"ü"}]}'],
    [{ t: new Time(1_700_000_000, 500_000_000) }, '{"t":"2023-11-14T22:13:20.5Z"}'],
    ['text', '"text"'],
    [12, '12'],
    [null, 'null'],
  ])('is MessagePack converted to JSON (%#)', (value, text) => {
    expect(bodyOf(encode(value))).toMatchObject({ text, encoding: 'json' });
  });

  test.each(['{"id":18446744073709551615, "a" : 1.0}', '[1,2]', '"x"', ' {} ', '-12', 'true'])(
    'is unchanged JSON, byte for byte: %s',
    (json) => {
      expect(bodyOf(json)).toMatchObject({ text: json, encoding: 'json' });
    },
  );

  test.each([Buffer.from('plain text'), Buffer.of(0xc1, 0xff), Buffer.from('{"a":'), Buffer.alloc(0)])(
    'is the base64 of any other bytes',
    (bytes) => {
      expect(bodyOf(bytes)).toMatchObject({ text: bytes.toString('base64'), encoding: 'base64' });
    },
  );

  test('is null if the entry has no field s', () => {
    expect(bodyOf(undefined)).toMatchObject({ text: 'null', encoding: 'json' });
  });

  test('is valid JSON or the base64 of its bytes, for any bytes', () => {
    const seed = Date.now() % 1_000_000;
    const runs = 2000;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const { text, encoding } = bodyOf(Buffer.from(array));
        if (encoding === 'json') JSON.parse(text);
        else expect(Buffer.from(text, 'base64')).toEqual(Buffer.from(array));
      }),
      { seed, numRuns: runs },
    );
    console.info(`seed ${seed}: ${runs} bodies`);
  });

  test('has members that entries can be ordered by, which are equal for equal values', () => {
    const packed = bodyOf(encode({ I: 7, n: null, t: 'a' }));
    const json = bodyOf('{"I": 7, "n": null, "t": "a"}');
    for (const { member } of [packed, json]) {
      expect(['I', 't', 'n', 'none', '__proto__'].map(member)).toEqual([
        '7',
        '"a"',
        undefined,
        undefined,
        undefined,
      ]);
    }
    expect(bodyOf('[1]').member('0')).toBeUndefined();
    expect(bodyOf('x').member('length')).toBeUndefined();
  });
});
