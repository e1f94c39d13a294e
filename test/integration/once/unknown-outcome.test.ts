import { expect, test } from 'vitest';
import { binaryToBytes } from '../../../shared/binary-string.ts';
import type { ExecutorRequest, SqlExecutor } from '../../../shared/protocol.ts';
import { drainScene } from '../../kit/scene/drain-scene.ts';
import { insertThing, insertThingSql, lazyEvent, thingDirty, thingLog } from '../../kit/scene/events.ts';
import { deadLetters, dirtyEvents, thingNames } from '../../kit/scene/inspect-scene.ts';
import { openScene } from '../../kit/scene/scene.ts';

/** The executor's reply doesn't come: it may have done what it was asked, or not. */

test('a batch whose reply is lost after the commit is done once', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  const summary = await drainScene(scene, { wrap: losingReplies(1) });
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 0 } } });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
});

test('a batch whose reply is lost after the commit twice is found done when it is to be voided', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { dirty: [thingDirty(0)] }));
  expect(await drainScene(scene, { wrap: losingReplies(2) })).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  expect(await deadLetters(scene)).toEqual([]);
});

test('a batch that died before the commit twice is voided, split, and all of it is done once', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three', 'four']) await scene.add(insertThing(name));
  let deaths = 0;
  const wrap = (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      if (request.operation === 'batch' && deaths < 2) {
        deaths++;
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

test('a try that was delayed until its number was voided applies nothing', async () => {
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
          throw new Error('on its way for ever');
        }
        return inner.execute(request);
      },
    };
  };
  expect(await drainScene(scene, { wrap })).toMatchObject({ complete: true });
  for (const request of late) expect(await executor?.execute(request)).toEqual({ status: 'void' });
  expect(await thingNames(scene)).toEqual(['one']);
});

test('a statement that kills the executor is a dead letter, and its neighbours are done', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const killer = await scene.add(
    lazyEvent([{ sql: insertThingSql('killer') }, { sql: insertThingSql('of its event') }]),
  );
  for (const name of ['four', 'five']) await scene.add(insertThing(name));
  const summary = await drainScene(scene, { wrap: dyingOf('killer') });
  expect(summary).toMatchObject({ complete: true, channels: { lazy: { deadLetters: 1, failed: 1 } } });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three', 'of its event', 'four', 'five']);
  const [letter = {}] = await deadLetters(scene);
  expect(letter).toMatchObject({ entry: killer, code: 'kills-executor' });
  expect(JSON.parse(letter['unapplied'] ?? '')).toMatchObject({ all: false, statements: [0] });
});

test('a log row that kills the executor is a dead letter by itself', async () => {
  const scene = await openScene();
  await scene.add(insertThing('one', { logs: [thingLog(0, { Name: 'killer' })], dirty: [thingDirty(0)] }));
  await scene.add(insertThing('two'));
  await drainScene(scene, { wrap: dyingOf('killer') });
  expect(await thingNames(scene)).toEqual(['one', 'two']);
  expect(await dirtyEvents(scene.redis, 'thing-changed')).toEqual(['main.Thing i 1']);
  const [letter = {}] = await deadLetters(scene);
  expect(letter).toMatchObject({ code: 'kills-executor' });
  expect(JSON.parse(letter['unapplied'] ?? '')).toMatchObject({
    statements: [],
    logs: [0],
    logIds: { 0: '1' },
  });
});

test('an executor that dies of everything leaves all pending and nothing lost', async () => {
  const scene = await openScene();
  for (const name of ['one', 'two', 'three']) await scene.add(insertThing(name));
  const wrap = (): SqlExecutor => ({ execute: () => Promise.reject(new Error('died')) });
  expect(await drainScene(scene, { wrap, budgetMs: 1500 })).toMatchObject({ complete: false });
  expect(await deadLetters(scene)).toEqual([]);
  expect(await drainScene(scene)).toMatchObject({ complete: true });
  expect(await thingNames(scene)).toEqual(['one', 'two', 'three']);
});

/** Executes every batch, but keeps the first replies to itself. */
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

/** Dies before it executes anything of a batch that holds the word. */
function dyingOf(word: string) {
  return (inner: SqlExecutor): SqlExecutor => ({
    execute: async (request) => {
      const isDeadly =
        request.operation === 'batch' && request.items.some(({ sql }) => binaryToBytes(sql).includes(word));
      if (isDeadly) throw new Error('the function died');
      return inner.execute(request);
    },
  });
}
