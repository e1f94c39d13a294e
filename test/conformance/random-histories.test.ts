import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { historyArbitrary } from '../kit/generate/history.ts';
import { HistoryChecker } from '../kit/history-checker.ts';

const RUNS = 250;
const MAX_OPERATIONS = 20;
const TIMEOUT_MS = 300_000;

/** fast-check shrinks a failing history to fewer operations, and reports the seed and path that reproduce it. */
describe('random histories result in the same state as if applied serially', () => {
  test.each(['entity', 'pool'] as const)(
    'ordering %s',
    async (ordering) => {
      const checker = await HistoryChecker.open();
      const seed = Date.now() % 2 ** 31;
      let entries = 0;
      const property = fc.asyncProperty(
        historyArbitrary(MAX_OPERATIONS, { ordering, poisonRate: 0.1 }),
        fc.record({ lazyConcurrency: fc.constantFrom(1, 3, 11), batchSize: fc.constantFrom(1, 4, 200) }),
        async (history, limits) => {
          entries += history.entries.length;
          expect(await checker.differences(history, { ordering, ...limits })).toBe('');
        },
      );
      await fc.assert(property, { seed, numRuns: RUNS });
      console.log(`ordering ${ordering}: ${RUNS} histories, ${entries} entries, seed ${seed}`);
    },
    TIMEOUT_MS,
  );
});
