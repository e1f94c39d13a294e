import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EntryEvent } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import {
  AUDITOR,
  drainOwnStream,
  MAILER,
  numbersOf,
  ORDERS,
  openOwnStreamScene,
  openOwnStreams,
  ownDeadLetters,
} from '../kit/own-stream-scene.ts';

describe('a handler that fails', () => {
  test('gets only the entries again that it reports as failed, and the others are acknowledged', async () => {
    const scene = await openOwnStreamScene();
    const ids = await scene.addMany(10);
    const invocations: number[][] = [];
    const summary = await drainOwnStream(scene, {
      handler: (event) => {
        invocations.push(numbersOf(event));
        const isFirst = invocations.length === 1;
        return {
          batchItemFailures: isFirst ? [ids[3], ids[7]].map((itemIdentifier) => ({ itemIdentifier })) : [],
        };
      },
    });
    expect(invocations[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(invocations.slice(1).flat())).toEqual(new Set([3, 7]));
    expect(summary).toMatchObject({ reason: 'drained', complete: true });
    expect(summary.channels[`${ORDERS}/${MAILER}`]).toMatchObject({
      entries: 10,
      pending: 0,
      deadLetters: 0,
    });
    expect(await scene.pending()).toEqual({});
  });

  test('is retried with increasing pauses and attempt counts, then the entry becomes a dead letter', async () => {
    const scene = await openOwnStreamScene();
    const [id] = await scene.addMany(1);
    const attempts: { at: number; count: string; first: string }[] = [];
    await drainOwnStream(scene, {
      retries: 3,
      backoffMs: 80,
      handler: ({ Records: [record] }) => {
        attempts.push({
          at: Date.now(),
          count: record?.attributes.ApproximateReceiveCount ?? '',
          first: record?.attributes.ApproximateFirstReceiveTimestamp ?? '',
        });
        throw new TypeError('no mail server');
      },
    });
    expect(attempts.map(({ count }) => count)).toEqual(['1', '2', '3', '4']);
    expect(new Set(attempts.map(({ first }) => first)).size).toBe(1);
    const pauses = attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0));
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(40 * 2 ** index - 2);
      expect(pause).toBeLessThan(80 * 2 ** index + 500);
    }
    expect(await ownDeadLetters(scene)).toEqual([
      {
        code: 'handler-failed',
        message: 'TypeError: no mail server',
        attempts: 4,
        entry: id,
        group: MAILER,
      },
    ]);
    expect(await scene.pending()).toEqual({});
  });

  test('gets a failed batch again in halves, until the entry that fails is isolated', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(64);
    const done: number[] = [];
    let invocations = 0;
    const summary = await drainOwnStream(scene, {
      retries: 1,
      handler: (event) => {
        invocations++;
        if (numbersOf(event).includes(41)) throw new Error('poison');
        done.push(...numbersOf(event));
      },
    });
    expect(done.sort((a, b) => a - b)).toEqual(
      Array.from({ length: 64 }, (_, n) => n).filter((n) => n !== 41),
    );
    expect(invocations).toBe(1 + 2 * 6 + 1);
    expect(summary.channels[`${ORDERS}/${MAILER}`]).toMatchObject({ entries: 64, deadLetters: 1 });
    expect(await ownDeadLetters(scene)).toMatchObject([{ attempts: 2, message: 'Error: poison' }]);
  });

  test('gets exactly the same batch again if bisecting is off', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(6);
    const invocations: number[][] = [];
    await drainOwnStream(scene, {
      batchSize: 3,
      bisect: false,
      retries: 1,
      handler: (event) => {
        invocations.push(numbersOf(event));
        if (numbersOf(event).includes(1)) throw new Error('poison');
      },
    });
    expect(invocations).toHaveLength(3);
    expect(invocations.filter((numbers) => numbers.includes(1))).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(await ownDeadLetters(scene)).toHaveLength(3);
  });

  test.each([
    ['contains an entry that is not in the batch', [{ itemIdentifier: '1-1' }]],
    ['contains an empty identifier', [{ itemIdentifier: '' }]],
    ['contains null', [{ itemIdentifier: null }]],
    ['has a wrong key', [{ id: '1-1' }]],
    ['is not a list', 'all'],
  ])('has failed the whole batch if its reply %s', async (_, batchItemFailures) => {
    const scene = await openOwnStreamScene();
    await scene.addMany(2);
    await drainOwnStream(scene, { retries: 0, bisect: false, handler: () => ({ batchItemFailures }) });
    expect(await ownDeadLetters(scene)).toMatchObject([{ code: 'invalid-reply' }, { code: 'invalid-reply' }]);
  });

  test.each([undefined, null, {}, { batchItemFailures: [] }, { batchItemFailures: null }, 'done', 7])(
    'has succeeded if its reply is %j',
    async (reply) => {
      const scene = await openOwnStreamScene();
      await scene.addMany(2);
      const summary = await drainOwnStream(scene, { handler: () => reply });
      expect(summary).toMatchObject({ reason: 'drained' });
      expect(await ownDeadLetters(scene)).toEqual([]);
    },
  );

  test('has failed if it does not reply in time', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(1);
    await drainOwnStream(scene, { retries: 1, timeoutMs: 60, handler: () => sleep(2000) });
    expect(await ownDeadLetters(scene)).toMatchObject([{ code: 'handler-timeout', attempts: 2 }]);
  });

  test('discards failed entries only if the binding turns dead letters off', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(3);
    const summary = await drainOwnStream(scene, {
      retries: 0,
      deadLetters: false,
      handler: () => {
        throw new Error('always');
      },
    });
    expect(summary.channels[`${ORDERS}/${MAILER}`]).toMatchObject({ entries: 3, failed: 3, deadLetters: 0 });
    expect(await ownDeadLetters(scene)).toEqual([]);
    expect(await scene.pending()).toEqual({});
  });

  test('does not use up attempts while it is unavailable', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(2);
    let asked = 0;
    const failure = { code: 'TooManyRequestsException', message: 'throttled' };
    const unavailable = {
      invoke: async () => {
        asked++;
        return { kind: 'unavailable' as const, failure };
      },
    };
    const summary = await drainOwnStream(scene, { retries: 0, handler: unavailable }, 1500);
    expect(asked).toBeGreaterThan(1);
    expect(summary.complete).toBe(false);
    expect(Object.values(await scene.pending())).toEqual([0, 0]);
    const counts: string[] = [];
    await drainOwnStream(scene, {
      handler: ({ Records }) => {
        counts.push(...Records.map(({ attributes }) => attributes.ApproximateReceiveCount));
      },
    });
    expect(counts).toEqual(['1', '1']);
  });

  test('continues the attempt count in the next drain', async () => {
    const scene = await openOwnStreamScene();
    await scene.addMany(1);
    const counts: string[] = [];
    const firstTimes: number[] = [];
    const handler = ({ Records: [record] }: EntryEvent) => {
      counts.push(record?.attributes.ApproximateReceiveCount ?? '');
      firstTimes.push(Number(record?.attributes.ApproximateFirstReceiveTimestamp));
      throw new Error('down');
    };
    for (let drain = 0; drain < 3; drain++) {
      await drainOwnStream(scene, { retries: 2, backoffMs: 60_000, handler }, 1000);
      await sleep(150);
    }
    expect(counts).toEqual(['1', '2', '3']);
    expect(Math.max(...firstTimes) - Math.min(...firstTimes)).toBeLessThan(100);
    expect(await ownDeadLetters(scene)).toMatchObject([{ attempts: 3 }]);
  });
});

test('an entry that is too old becomes a dead letter without being delivered', async () => {
  const scene = await openOwnStreamScene();
  const old = await scene.add({ s: '{"n":1}' }, `${Date.now() - 60_000}-0`);
  await scene.add({ s: '{"n":2}' });
  const handled: number[] = [];
  await drainOwnStream(scene, {
    maximumAgeMs: 30_000,
    handler: (event) => void handled.push(...numbersOf(event)),
  });
  expect(handled).toEqual([2]);
  expect(await ownDeadLetters(scene)).toMatchObject([{ code: 'too-old', entry: old, attempts: 0 }]);
});

test('an entry that is deleted while pending becomes a dead letter', async () => {
  const scene = await openOwnStreamScene();
  const [id = ''] = await scene.addMany(1);
  await scene.redis.xgroup('CREATE', ORDERS, MAILER, '0');
  await scene.redis.xreadgroup('GROUP', MAILER, 'consumer-1', 'STREAMS', ORDERS, '>');
  await scene.redis.xdel(ORDERS, id);
  await drainOwnStream(scene, { handler: () => undefined });
  expect(await ownDeadLetters(scene)).toMatchObject([{ code: 'deleted-entry', entry: id }]);
});

test('a redriven dead letter is delivered only to its own group, with its original id', async () => {
  const scene = await openOwnStreamScene();
  const [id = ''] = await scene.addMany(1);
  const audited: number[] = [];
  const mailed: number[] = [];
  let isDown = true;
  const consumer = await openOwnStreams(scene, [
    {
      retries: 0,
      handler: (event) => {
        if (isDown) throw new Error('down');
        mailed.push(...numbersOf(event));
        expect(event.Records[0]?.messageAttributes).toEqual({});
      },
    },
    { group: AUDITOR, handler: (event) => void audited.push(...numbersOf(event)) },
  ]);
  await consumer.drain({ budgetMs: 5000 });
  expect(await ownDeadLetters(scene)).toMatchObject([{ entry: id, group: MAILER }]);
  isDown = false;
  expect(await consumer.deadLetters.redrive({ stream: ORDERS })).toEqual({ redriven: 1 });
  const summary = await consumer.drain({ budgetMs: 5000 });
  expect(summary).toMatchObject({ reason: 'drained' });
  expect({ audited, mailed }).toEqual({ audited: [0], mailed: [0] });
  isDown = true;
  await scene.addMany(1);
  await consumer.drain({ budgetMs: 5000 });
  await consumer.deadLetters.redrive({ stream: ORDERS });
  await consumer.drain({ budgetMs: 5000 });
  expect(await ownDeadLetters(scene)).toMatchObject([{ attempts: 2 }]);
  await consumer.close();
});

test('in a pool with a namespace, all keys contain the namespace, and names that people read do not', async () => {
  const scene = await openOwnStreamScene('app');
  const [id] = await scene.addMany(1);
  const sources: string[] = [];
  await drainOwnStream(scene, {
    retries: 0,
    handler: ({ Records }) => {
      sources.push(...Records.map(({ eventSourceARN }) => eventSourceARN));
      throw new Error('down');
    },
  });
  expect(sources).toEqual([`redis:stream:default:${ORDERS}:${MAILER}`]);
  expect(await ownDeadLetters(scene)).toMatchObject([{ entry: id, group: MAILER }]);
  const keys = await scene.redis.keys('*');
  expect(keys.filter((key) => !key.startsWith('app:'))).toEqual([]);
  expect(keys).toContain(`app:${ORDERS}:dead-letters`);
});
