import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../functions/poller/channels/own-streams/delivery.ts';
import {
  type BatchLimits,
  DeliveryQueue,
} from '../../functions/poller/channels/own-streams/delivery-queue.ts';

function delivery(id: string, values: Partial<Delivery> = {}): Delivery {
  return {
    entry: { id, earlierAttempts: 0, fields: [] },
    orderKey: undefined,
    bytes: 10,
    firstDeliveredAt: 0,
    mayBePoison: false,
    attempts: 0,
    nextRecord: () => {
      throw new Error('no test requests a record');
    },
    finish: () => {},
    ...values,
  };
}

/** A queue with a clock that advances only when the test sets it. */
function openQueue(limits: Partial<BatchLimits> = {}) {
  const clock = { now: 1000 };
  const queue = new DeliveryQueue(
    { batchSize: 3, batchBytes: 1000, windowMs: 0, ...limits },
    () => clock.now,
  );
  return { queue, clock, take: () => queue.take()?.map(({ entry }) => entry.id) };
}

describe('a delivery queue', () => {
  test('returns batches of at most batchSize deliveries, in their order', () => {
    const { queue, take } = openQueue();
    for (const id of ['1', '2', '3', '4']) queue.add(delivery(id));
    expect([take(), take(), take()]).toEqual([['1', '2', '3'], ['4'], undefined]);
  });

  test('keeps an incomplete batch until the window of its first delivery has passed', () => {
    const { queue, clock, take } = openQueue({ windowMs: 50 });
    queue.add(delivery('1'));
    clock.now += 30;
    queue.add(delivery('2'));
    expect([take(), queue.dueInMs()]).toEqual([undefined, 20]);
    clock.now += 20;
    expect(take()).toEqual(['1', '2']);
    queue.add(delivery('3'));
    expect(take()).toBeUndefined();
    queue.flush();
    expect(take()).toEqual(['3']);
  });

  test('returns a batch before its window has passed if it is full by count or by size', () => {
    const { queue, take } = openQueue({ windowMs: 50, batchBytes: 25 });
    queue.add(delivery('1'));
    queue.add(delivery('2'));
    expect(take()).toBeUndefined();
    queue.add(delivery('3'));
    expect([take(), take()]).toEqual([['1', '2'], undefined]);
  });

  test('returns a suspected poison entry alone and at once', () => {
    const { queue, take } = openQueue({ windowMs: 50 });
    queue.add(delivery('1', { mayBePoison: true }));
    queue.add(delivery('2'));
    queue.add(delivery('3', { mayBePoison: true }));
    expect([take(), take()]).toEqual([['1'], undefined]);
    queue.flush();
    expect([take(), take()]).toEqual([['2'], ['3']]);
  });

  test('returns the next delivery of an order key only when the previous one is released', () => {
    const { queue, take } = openQueue();
    const first = delivery('1', { orderKey: 'a' });
    queue.add(first);
    queue.add(delivery('2', { orderKey: 'a' }));
    queue.add(delivery('3', { orderKey: 'b' }));
    expect([take(), take()]).toEqual([['1', '3'], undefined]);
    queue.requeue(first);
    expect(take()).toEqual(['1']);
    queue.release(first);
    expect(take()).toEqual(['2']);
  });

  test('returns the deliveries behind one that stays pending, and accepts no further deliveries with its order key', () => {
    const { queue, take } = openQueue();
    const first = delivery('1', { orderKey: 'a' });
    queue.add(first);
    queue.add(delivery('2', { orderKey: 'a' }));
    expect(take()).toEqual(['1']);
    expect(queue.removePending(first).map(({ entry }) => entry.id)).toEqual(['2']);
    expect(queue.add(delivery('3', { orderKey: 'a' }))).toBe(false);
    expect(queue.add(delivery('4', { orderKey: 'b' }))).toBe(true);
    expect(take()).toEqual(['4']);
  });

  test('returns a batch to retry unchanged and before all others', () => {
    const { queue, take } = openQueue();
    queue.add(delivery('9'));
    queue.requeueAlone([delivery('1'), delivery('2'), delivery('3'), delivery('4')]);
    expect([take(), take()]).toEqual([['1', '2', '3', '4'], ['9']]);
  });

  test('returns all waiting deliveries when it is abandoned', () => {
    const { queue, take } = openQueue();
    queue.requeueAlone([delivery('1')]);
    queue.add(delivery('2', { orderKey: 'a' }));
    queue.add(delivery('3', { orderKey: 'a' }));
    queue.add(delivery('4'));
    expect(
      queue
        .removeAll()
        .map(({ entry }) => entry.id)
        .sort(),
    ).toEqual(['1', '2', '3', '4']);
    expect([take(), queue.dueInMs()]).toEqual([undefined, undefined]);
  });
});
