import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, lazyEvent } from '../kit/scene/events.ts';
import { openScene } from '../kit/scene/scene.ts';

const ROWS = 9000;
const LAZY_CONCURRENCY = 11;
const FILLED_FIRST = 4;

test('more batches run at once than the few that are filled first if each of them has to wait', async () => {
  const max = await maxAtOnce(400);
  console.log(`up to ${max} batches at once, of ${LAZY_CONCURRENCY} allowed`);
  expect(max).toBeGreaterThan(FILLED_FIRST + 2);
  expect(max).toBeLessThanOrEqual(LAZY_CONCURRENCY);
});

/** Returns the maximum number of batches in flight, if each of them waits for `delayMs` before it is executed. */
async function maxAtOnce(delayMs: number): Promise<number> {
  const scene = await openScene();
  await scene.query(`INSERT INTO Thing(Name) SELECT seq FROM seq_1_to_${ROWS}`);
  for (let start = 1; start <= ROWS; start += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => scene.add(lazyEvent([countUp(start + index)]))),
    );
  }
  let running = 0;
  let max = 0;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      if (request.operation !== 'batch') return inner.execute(request);
      running++;
      max = Math.max(max, running);
      await sleep(delayMs);
      try {
        return await inner.execute(request);
      } finally {
        running--;
      }
    },
  });
  const summary = await drainScene(scene, { wrap, lazyConcurrency: LAZY_CONCURRENCY, batchSize: 300 });
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { entries: ROWS, failed: 0 } } });
  return max;
}
