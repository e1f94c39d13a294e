import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessagePack } from '../../shared/wire/decode-messagepack.ts';
import { encodeLazyEvent } from '../../shared/wire/encode-lazy-event.ts';
import { decodeLazyEvent } from '../../shared/wire/lazy-event.ts';
import { logRowInsert } from '../../shared/wire/log-row.ts';
import { decodeLogValue } from '../../shared/wire/log-value.ts';
import { recordedBodies } from './wire-recordings.ts';

const bodies = ['orm-lazy-channel', 'orm-log-channel']
  .flatMap((stream) => [...recordedBodies('histories/full-1', stream).values()])
  .filter((body) => body.length < 2_000);

/** A recorded body with a few bytes replaced, and a part removed or duplicated. */
const mutated = fc
  .record({
    body: fc.constantFrom(...bodies),
    replaced: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    from: fc.nat(),
    length: fc.nat(20),
    change: fc.constantFrom('none', 'cut', 'double', 'truncate'),
  })
  .map(({ body, replaced, from, length, change }) => {
    const bytes = Buffer.from(body);
    for (const [position, byte] of replaced) bytes[position % bytes.length] = byte;
    const start = from % bytes.length;
    const part = bytes.subarray(start, start + length);
    const tail = bytes.subarray(start + (change === 'cut' ? length : 0));
    if (change === 'truncate') return bytes.subarray(0, start);
    return Buffer.concat([bytes.subarray(0, start), change === 'double' ? part : Buffer.alloc(0), tail]);
  });
const garbage = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));

test.each([
  ['mutated recorded bodies', mutated],
  ['garbage bytes', garbage],
])('%s are decoded or result in an error value, and never throw', (name, bytes) => {
  const seed = Date.now() & 0x7fffffff;
  const numRuns = 20_000;
  const counts = { messages: 0, events: 0, logs: 0 };
  fc.assert(
    fc.property(bytes, (body) => {
      counts.messages += decodeMessagePack(body).ok ? 1 : 0;
      const lazy = decodeLazyEvent(body);
      if (lazy.ok) {
        counts.events++;
        // The next steps of the application must not throw either.
        for (const log of lazy.event.logs) logRowInsert(log, log.id);
        expect(decodeLazyEvent(encodeLazyEvent(lazy.event))).toMatchObject({ ok: true });
      }
      const log = decodeLogValue(body);
      if (log.ok) {
        counts.logs++;
        logRowInsert(log.log, log.log.id);
      }
    }),
    { seed, numRuns },
  );
  console.log(`${name}: seed ${seed}, ${numRuns} inputs, decoded: ${JSON.stringify(counts)}`);
});
