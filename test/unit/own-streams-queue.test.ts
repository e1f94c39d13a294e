import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../functions/poller/channels/own-streams/delivery.ts';
import {
  type BatchLimits,
  DeliveryQueue,
} from '../../functions/poller/channels/own-streams/delivery-queue.ts';

function delivery(id: string, values: Partial<Delivery> = {}): Delivery {
  return {
    entry: { id, deliveries: 1, fields: [] },
    orderKey: undefined,
    bytes: 10,
    firstDeliveredAt: 0,
    isSuspect: false,
    attempts: 0,
    nextRecord: () => {
      throw new Error('not asked for');
    },
    finish: () => {},
    ...values,
  };
}

/** A queue with a clock that stands still unless it is set. */
function openQueue(limits: Partial<BatchLimits> = {}) {
  const clock = { now: 1000 };
  const queue = new DeliveryQueue(
    { batchSize: 3, batchBytes: 1000, windowMs: 0, ...limits },
    () => clock.now,
  );
  return { queue, clock, take: () => queue.take()?.map(({ entry }) => entry.id) };
}

describe('a delivery queue', () => {
  test('gives batches of at most so many deliveries, in their order.', () => {
    const { queue, take } = openQueue();
    for (const id of ['1', '2', '3', '4']) queue.add(delivery(id));
    expect([take(), take(), take()]).toEqual([['1', '2', '3'], ['4'], undefined]);
  });

  test('keeps what is not enough for a batch until the window of the first has passed.', () => {
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

  test('gives a batch before its window has passed where it is full, by count or by length.', () => {
    const { queue, take } = openQueue({ windowMs: 50, batchBytes: 25 });
    queue.add(delivery('1'));
    queue.add(delivery('2'));
    expect(take()).toBeUndefined();
    queue.add(delivery('3'));
    expect([take(), take()]).toEqual([['1', '2'], undefined]);
  });

  test('gives a suspect alone and at once.', () => {
    const { queue, take } = openQueue({ windowMs: 50 });
    queue.add(delivery('1', { isSuspect: true }));
    queue.add(delivery('2'));
    queue.add(delivery('3', { isSuspect: true }));
    expect([take(), take()]).toEqual([['1'], undefined]);
    queue.flush();
    expect([take(), take()]).toEqual([['2'], ['3']]);
  });

  test('gives the next of a line only when the one before is released.', () => {
    const { queue, take } = openQueue();
    const first = delivery('1', { orderKey: 'a' });
    queue.add(first);
    queue.add(delivery('2', { orderKey: 'a' }));
    queue.add(delivery('3', { orderKey: 'b' }));
    expect([take(), take()]).toEqual([['1', '3'], undefined]);
    queue.addAgain(first);
    expect(take()).toEqual(['1']);
    queue.release(first);
    expect(take()).toEqual(['2']);
  });

  test('gives out the whole line of one that is left, and takes nobody into it any more.', () => {
    const { queue, take } = openQueue();
    const first = delivery('1', { orderKey: 'a' });
    queue.add(first);
    queue.add(delivery('2', { orderKey: 'a' }));
    expect(take()).toEqual(['1']);
    expect(queue.leaveLine(first).map(({ entry }) => entry.id)).toEqual(['2']);
    expect(queue.add(delivery('3', { orderKey: 'a' }))).toBe(false);
    expect(queue.add(delivery('4', { orderKey: 'b' }))).toBe(true);
    expect(take()).toEqual(['4']);
  });

  test('gives a batch that is to be tried again as it is, before all others.', () => {
    const { queue, take } = openQueue();
    queue.add(delivery('9'));
    queue.addWhole([delivery('1'), delivery('2'), delivery('3'), delivery('4')]);
    expect([take(), take()]).toEqual([['1', '2', '3', '4'], ['9']]);
  });

  test('gives out all that waits when it is left.', () => {
    const { queue, take } = openQueue();
    queue.addWhole([delivery('1')]);
    queue.add(delivery('2', { orderKey: 'a' }));
    queue.add(delivery('3', { orderKey: 'a' }));
    queue.add(delivery('4'));
    expect(
      queue
        .leaveAll()
        .map(({ entry }) => entry.id)
        .sort(),
    ).toEqual(['1', '2', '3', '4']);
    expect([take(), queue.dueInMs()]).toEqual([undefined, undefined]);
  });
});
