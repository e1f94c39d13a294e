import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ModuleHandler } from '../../cli/consumer/module-handler.ts';
import { parseBindings } from '../../functions/poller/channels/own-streams/binding.ts';
import type { EntryEvent } from '../../functions/poller/channels/own-streams/entry-handler.ts';
import { ownStreamChannel } from '../../functions/poller/channels/own-streams/own-stream-channel.ts';
import {
  AUDITOR,
  MAILER,
  numbersOf,
  ORDERS,
  openOwnStreamScene,
  openOwnStreams,
} from '../kit/own-stream-scene.ts';
import { drainScene } from '../kit/scene/drain-scene.ts';
import { insertThing, thingDirty } from '../kit/scene/events.ts';
import { thingNames } from '../kit/scene/inspect-scene.ts';
import { openScene } from '../kit/scene/scene.ts';

test('Two groups of one stream each get every entry, whatever becomes of it in the other.', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(5);
  const audited: number[] = [];
  const consumer = await openOwnStreams(scene, [
    { retries: 0, handler: () => Promise.reject(new Error('down')) },
    { group: AUDITOR, handler: (event) => void audited.push(...numbersOf(event)) },
  ]);
  const { channels } = await consumer.drain({ budgetMs: 5000 });
  expect(audited).toEqual([0, 1, 2, 3, 4]);
  expect(channels[`${ORDERS}/${MAILER}`]).toMatchObject({ entries: 5, deadLetters: 5 });
  expect(channels[`${ORDERS}/${AUDITOR}`]).toMatchObject({ entries: 5, deadLetters: 0, failed: 0 });
});

test('Each group has its lock: who runs the one is no obstacle to the other, and keeps his entries.', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(1);
  await scene.redis.set(`${MAILER}_consumer-1`, 'a Go consumer', 'PX', 60_000);
  const [mailed, audited]: number[][] = [[], []];
  const consumer = await openOwnStreams(scene, [
    { handler: (event) => void mailed?.push(...numbersOf(event)) },
    { group: AUDITOR, handler: (event) => void audited?.push(...numbersOf(event)) },
  ]);
  expect(await consumer.drain({ budgetMs: 3000 })).toMatchObject({ reason: 'locked' });
  expect({ mailed, audited }).toEqual({ mailed: [], audited: [0] });
});

test('What all groups of a stream have done is trimmed, as BeeORM does for the groups of its consumers.', async () => {
  const scene = await openOwnStreamScene();
  await scene.addMany(5);
  const consumer = await openOwnStreams(
    scene,
    [{ handler: () => undefined }, { group: AUDITOR, handler: () => undefined }],
    { collectsGarbage: true },
  );
  await consumer.drain({ budgetMs: 3000 });
  // The first collection began beside the handlers; the next one may begin when the keys have ended.
  await scene.redis.del(`${MAILER}_gc`, `${AUDITOR}_gc`);
  const { channels } = await consumer.drain({ budgetMs: 3000 });
  expect(channels['garbage']).toMatchObject({ entries: 3 });
  expect(await scene.redis.xlen(ORDERS)).toBe(0);
});

test('A slow handler holds up neither the lazy channel nor a faster handler.', async () => {
  const scene = await openScene();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const received: string[] = [];
  const counted: string[] = [];
  const handlers = [
    async ({ Records }: EntryEvent) => {
      received.push(...Records.map(({ body }) => body));
      await released;
    },
    ({ Records }: EntryEvent) => void counted.push(...Records.map(({ body }) => body)),
  ];
  const bindings = ['thing-changed', 'thing-changed-elsewhere'].map((stream) => ({
    ...{ stream, group: 'readers', handler: { kind: 'module', path: 'none' } },
  }));
  const ownStreams = parseBindings({ bindings }, 'bindings', scene.registry).map((binding, index) =>
    ownStreamChannel(binding, new ModuleHandler('test', handlers[index] ?? (() => {}), binding.timeoutMs)),
  );
  const stop = new AbortController();
  const drain = drainScene(scene, { poller: { ownStreams }, isTail: true, signal: stop.signal });
  await scene.add(insertThing('first', { dirty: [thingDirty(0)] }));
  while (received.length === 0) await sleep(10);
  const startedAt = Date.now();
  for (let n = 0; n < 20; n++)
    await scene.add(insertThing(`thing ${n}`, { dirty: [thingDirty(0, ['thing-changed-elsewhere'])] }));
  while ((await thingNames(scene)).length < 21 || counted.length < 20) await sleep(10);
  expect(Date.now() - startedAt).toBeLessThan(2000);
  expect(received).toEqual(['{"I":1,"A":"i","E":"main.Thing"}']);
  stop.abort();
  release();
  expect((await drain).channels['thing-changed/readers']).toMatchObject({ entries: 1, pending: 0 });
});
