import { expect, test } from 'vitest';
import { LedgerSql } from '../../../functions/sql-executor/ledger-sql.ts';
import { openExecutor } from '../../kit/scene/drain-scene.ts';
import { insertThingSql } from '../../kit/scene/events.ts';
import { thingNames } from '../../kit/scene/inspect-scene.ts';
import { Requests } from '../../kit/scene/requests.ts';
import { openScene } from '../../kit/scene/scene.ts';

/** Opening an epoch: a compare-and-set on the token that stands in the fence. */

test('a ledger whose making ended in the middle is completed by the next opening', async () => {
  for (const made of [0, 1, 2, 3]) {
    const scene = await openScene();
    const creation = new LedgerSql(scene.ledgerDatabase).creation();
    for (const statement of creation.slice(0, made)) await scene.query(statement);
    const ask = new Requests(openExecutor(scene));
    expect(await ask.peek()).toEqual({ status: 'peeked', token: null });
    expect(await ask.open(null, 'first')).toMatchObject({ status: 'opened' });
    expect(await ask.batch('first', 0, [insertThingSql('one')])).toMatchObject({ status: 'done' });
  }
});

test('a late duplicate of the very first opening changes nothing', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  expect(await ask.peek()).toEqual({ status: 'peeked', token: null });
  expect(await ask.open(null, 'first')).toMatchObject({ status: 'opened' });
  expect(await ask.open('first', 'second')).toMatchObject({ status: 'opened' });
  expect(await ask.open(null, 'first')).toEqual({ status: 'refused' });
  expect(await ask.peek()).toEqual({ status: 'peeked', token: 'second' });
  expect(await ask.batch('second', 0, [insertThingSql('one')])).toMatchObject({ status: 'done' });
});

test('a late duplicate of an opening changes nothing once its successor has opened', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'first');
  await ask.open('first', 'second');
  await ask.open('second', 'third');
  expect(await ask.open('first', 'second')).toEqual({ status: 'refused' });
  expect(await ask.peek()).toEqual({ status: 'peeked', token: 'third' });
});

test('an opening whose reply was lost is told again that it has opened', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'first');
  expect(await ask.open(null, 'first')).toMatchObject({ status: 'opened' });
  await ask.open('first', 'second');
  expect(await ask.open('first', 'second')).toMatchObject({ status: 'opened' });
});

test('of two openings that saw the same token one succeeds', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'first');
  const replies = await Promise.all([ask.open('first', 'one'), ask.open('first', 'other')]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual(['opened', 'refused']);
});

test('a batch of an earlier epoch is refused and leaves nothing', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'first');
  await ask.open('first', 'second');
  expect(await ask.batch('first', 0, [insertThingSql('late')])).toEqual({ status: 'refused' });
  expect(await thingNames(scene)).toEqual([]);
  expect(await scene.query(`SELECT * FROM ${scene.ledgerDatabase}.batches`)).toEqual([]);
});

test('a batch of an earlier epoch that was done before is told what it did', async () => {
  const scene = await openScene();
  const ask = new Requests(openExecutor(scene));
  await ask.peek();
  await ask.open(null, 'first');
  const done = await ask.batch('first', 0, [insertThingSql('one')]);
  await ask.open('first', 'second');
  expect(await ask.batch('first', 0, [insertThingSql('one')])).toEqual(done);
  expect(await thingNames(scene)).toEqual(['one']);
});
