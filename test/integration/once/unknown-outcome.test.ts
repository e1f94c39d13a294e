import { expect, test } from 'vitest';
import { binaryToBytes } from '../../../shared/binary-string.ts';
import type { ExecutorRequest, SqlExecutor } from '../../../shared/protocol.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing, insertThingSql, lazyEvent, thingDirty, thingLog } from '../../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingNames } from '../../kit/scene/inspect-scene.ts';
import { openScene } from '../../kit/scene/scene.ts';

/** The executor's reply is lost, so the batch may or may not have been applied. */

test('a batch whose reply is lost after the commit is applied once', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const summary = await drainScene(scene, { wrap: losingReplies(1) });
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
});

test('a batch whose reply is lost twice after the commit is found to be done when the poller tries to void it', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  expect(await drainScene(scene, { wrap: losingReplies(2) })).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a batch that fails twice before the commit is voided and split, and all its statements are applied once', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three', 'four']) await scene.add(insertThing(name));
  let failures = 0;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      if (request.operation === 'batch' && failures < 2) {
        failures++;
        throw new Error('the function died');
      }
      return inner.execute(request);
    },
  });
  expect(await drainScene(scene, { wrap })).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three', 'four']);
  const states = await scene.query(`SELECT state FROM ${scene.ledgerDatabase}.batches ORDER BY state`);
  expect(states.map(({ state }) => state)).toEqual(['done', 'done', 'void']);
});

test('an attempt that arrives after its batch number was voided applies nothing', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one'));
  const late: ExecutorRequest[] = [];
  let executor: SqlExecutor | undefined;
  const wrap = (inner: SqlExecutor): SqlExecutor => {
    executor = inner;
    return {
      execute: async (request) => {
        if (request.operation === 'batch' && late.length < 2) {
          late.push(request);
          throw new Error('the request is delayed');
        }
        return inner.execute(request);
      },
    };
  };
  expect(await drainScene(scene, { wrap })).toMatchObject({ complete: true });
  for (const request of late) expect(await executor?.execute(request)).toEqual({ status: 'void' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a statement that kills the executor becomes a dead letter, and its neighbors are applied', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const poison = await scene.add(
    lazyEvent([{ sql: insertThingSql('poison') }, { sql: insertThingSql('of its event') }]),
  );
  for (const name of ['four', 'five']) await scene.add(insertThing(name));
  const summary = await drainScene(scene, { wrap: failingOn('poison') });
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 1, failed: 1 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three', 'of its event', 'four', 'five']);
  const [deadLetter = {}] = await deadLetters(scene);
  expect(deadLetter).toMatchObject({ entry: poison, code: 'kills-executor' });
  expect(JSON.parse(deadLetter['unapplied'] ?? '')).toMatchObject({ all: false, statements: [0] });
});

test('a log row that kills the executor becomes a dead letter alone', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { logs: [thingLog(0, { Name: 'poison' })], dirty: [thingDirty(0)] }));
  await scene.add(insertThing('two'));
  await drainScene(scene, { wrap: failingOn('poison') });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  const [deadLetter = {}] = await deadLetters(scene);
  expect(deadLetter).toMatchObject({ code: 'kills-executor' });
  expect(JSON.parse(deadLetter['unapplied'] ?? '')).toMatchObject({
    statements: [],
    logs: [0],
    logIds: { 0: '1' },
  });
});

test('an executor that dies at every request leaves all entries pending and loses none', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const wrap = (): SqlExecutor => ({ execute: () => Promise.reject(new Error('died')) });
  expect(await drainScene(scene, { wrap, budgetMs: 1500 })).toMatchObject({ complete: false });
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

/** Executes every batch, but loses the first replies. */
function losingReplies(count: number) {
  let lost = 0;
  return (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      const reply = await inner.execute(request);
      if (request.operation !== 'batch' || lost === count) return reply;
      lost++;
      throw new Error('the reply was lost');
    },
  });
}

/** Fails before it executes a batch that contains the word. */
function failingOn(word: string) {
  return (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      const isPoison =
        request.operation === 'batch' && request.items.some(({ sql }) => binaryToBytes(sql).includes(word));
      if (isPoison) throw new Error('the function died');
      return inner.execute(request);
    },
  });
}
