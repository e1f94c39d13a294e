import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { drainOwnStream, numbersOf, openOwnStreamScene, openOwnStreams } from '../kit/own-stream-scene.ts';

test('a batch contains at most as many entries as the binding allows', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(25);
  const sizes: number[] = [];
  await drainOwnStream(scene, { batchSize: 10, handler: ({ Records }) => void sizes.push(Records.length) });
  expect(sizes).toEqual([10, 10, 5]);
});

test('a batch is at most as large as the binding allows, and a larger entry is delivered alone', async () => {
  const scene = await openOwnStreamScene();
  for (const length of [1000, 1000, 9000, 1000]) await scene.add({ s: JSON.stringify('x'.repeat(length)) });
  const batches: number[][] = [];
  await drainOwnStream(scene, {
    batchBytes: 4000,
    handler: ({ Records }) => {
      batches.push(Records.map(({ body }) => body.length - 2));
    },
  });
  expect(batches).toEqual([[1000, 1000], [9000], [1000]]);
});

test('as many invocations run at once as the binding allows', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(12);
  let running = 0;
  let max = 0;
  await drainOwnStream(scene, {
    batchSize: 1,
    concurrency: 3,
    handler: async () => {
      max = Math.max(max, ++running);
      await sleep(20);
      running--;
    },
  });
  expect(max).toBe(3);
});

test('an incomplete batch waits for the batching window, but not if the stream is empty', async () => {
  const scene = await openOwnStreamScene();
  const batches: number[][] = [];
  const consumer = await openOwnStreams(scene, [
    { windowMs: 2000, handler: (event) => void batches.push(numbersOf(event)) },
  ]);
  const tail = consumer.drain({ budgetMs: 4000, isTail: true });
  await sleep(300);
  for (const n of [1, 2, 3]) {
    await scene.add({ s: `{"n":${n}}` });
    await sleep(100);
  }
  await tail;
  expect(batches).toEqual([[1, 2, 3]]);
  await scene.addMany(2);
  const startedAt = Date.now();
  await consumer.drain({ budgetMs: 5000 });
  expect(Date.now() - startedAt).toBeLessThan(1500);
  expect(batches).toEqual([
    [1, 2, 3],
    [0, 1],
  ]);
  await consumer.close();
});

test('entries that were not started when the budget ends stay pending and use up no attempt', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(40);
  const handled: number[] = [];
  const summary = await drainOwnStream(
    scene,
    {
      batchSize: 2,
      handler: async (event) => {
        await sleep(100);
        handled.push(...numbersOf(event));
      },
    },
    1500,
  );
  expect(summary).toMatchObject({ reason: 'budget', complete: false });
  expect(summary.seconds).toBeLessThan(2);
  const pending = await scene.pending();
  expect(Object.keys(pending)).toHaveLength(40 - handled.length);
  expect(new Set(Object.values(pending))).toEqual(new Set([0]));
  await drainOwnStream(scene, { handler: (event) => void handled.push(...numbersOf(event)) });
  expect(handled).toEqual(Array.from({ length: 40 }, (_, n) => n));
});

test('a drain waits for a handler of the previous drain before it delivers the same entry again', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(1);
  const marks: string[] = [];
  const consumer = await openOwnStreams(scene, [
    {
      handler: async ({ Records: [record] }) => {
        const count = record?.attributes.ApproximateReceiveCount;
        marks.push(`begin ${count}`);
        await sleep(count === '1' ? 1500 : 0);
        marks.push(`end ${count}`);
      },
    },
  ]);
  expect(await consumer.drain({ budgetMs: 700 })).toMatchObject({ complete: false });
  expect(marks).toEqual(['begin 1']);
  expect(await consumer.drain({ budgetMs: 5000 })).toMatchObject({ reason: 'drained' });
  expect(marks).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  await consumer.close();
});
