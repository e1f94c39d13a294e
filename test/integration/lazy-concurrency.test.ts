import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SqlExecutor } from '../../shared/protocol.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { countUp, lazyEvent } from '../kit/scene/events.ts';
import { openScene } from '../kit/scene/scene.ts';

const ROWS = 9000;
const LAZY_CONCURRENCY = 11;
const FILLED_FIRST = 4;

test('batches that each wait are executed more at once than the few that are filled first', async () => {
  const most = await maxAtOnce(400);
  console.log(`at most ${most} batches at once, of ${LAZY_CONCURRENCY}`);
  expect(most).toBeGreaterThan(FILLED_FIRST + 2);
  expect(most).toBeLessThanOrEqual(LAZY_CONCURRENCY);
});

/** Batches in flight at once, at most, where each of them takes `delayMs` before it is executed. */
async function maxAtOnce(delayMs: number): Promise<number> {
  const scene = await openScene();
  await scene.query(`INSERT INTO Thing(Name) SELECT seq FROM seq_1_to_${ROWS}`);
  for (let start = 1; start <= ROWS; start += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, place) => scene.add(lazyEvent([countUp(start + place)]))),
    );
  }
  let running = 0;
  let most = 0;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      if (request.operation !== 'batch') return inner.execute(request);
      running++;
      most = Math.max(most, running);
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
  return most;
}
