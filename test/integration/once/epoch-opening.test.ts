import { expect, test } from 'vitest';
import { LedgerSql } from '../../../functions/sql-executor/ledger-sql.ts';
import { openExecutor } from '../../kit/scene/drain-scene.ts';
import { insertThingSql } from '../../kit/scene/events.ts';
import { thingNames } from '../../kit/scene/inspect-scene.ts';
import { Requests } from '../../kit/scene/requests.ts';
import { openScene } from '../../kit/scene/scene.ts';

/** Opening an epoch is a compare-and-set on the token in the fence. */

test('the next opening completes a ledger that was created only partly', async () => {
  for (const created of [0, 1, 2, 3]) {
    const scene = await openScene();
    const creation = new LedgerSql(scene.ledgerDatabase).creation();
    for (const statement of creation.slice(0, created)) await scene.query(statement);
    const requests = new Requests(openExecutor(scene));
    expect(await requests.peek()).toEqual({ status: 'peeked', token: null });
    expect(await requests.open(null, 'first')).toMatchObject({ status: 'opened' });
    expect(await requests.batch('first', 0, [insertThingSql('one')])).toMatchObject({ status: 'done' });
  }
});

test('a late duplicate of the very first opening changes nothing', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  expect(await requests.peek()).toEqual({ status: 'peeked', token: null });
  expect(await requests.open(null, 'first')).toMatchObject({ status: 'opened' });
  expect(await requests.open('first', 'second')).toMatchObject({ status: 'opened' });
  expect(await requests.open(null, 'first')).toEqual({ status: 'refused' });
  expect(await requests.peek()).toEqual({ status: 'peeked', token: 'second' });
  expect(await requests.batch('second', 0, [insertThingSql('one')])).toMatchObject({ status: 'done' });
});

test('a late duplicate of an opening changes nothing after a later epoch has opened', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'first');
  await requests.open('first', 'second');
  await requests.open('second', 'third');
  expect(await requests.open('first', 'second')).toEqual({ status: 'refused' });
  expect(await requests.peek()).toEqual({ status: 'peeked', token: 'third' });
});

test('an opening that is repeated because its reply was lost succeeds again', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'first');
  expect(await requests.open(null, 'first')).toMatchObject({ status: 'opened' });
  await requests.open('first', 'second');
  expect(await requests.open('first', 'second')).toMatchObject({ status: 'opened' });
});

test('only one of two openings that saw the same token succeeds', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'first');
  const replies = await Promise.all([requests.open('first', 'one'), requests.open('first', 'other')]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual(['opened', 'refused']);
});

test('a batch of an earlier epoch is refused and leaves nothing behind', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'first');
  await requests.open('first', 'second');
  expect(await requests.batch('first', 0, [insertThingSql('late')])).toEqual({ status: 'refused' });
  expect(await thingNames(scene)).toEqual([]);
  expect(await scene.query(`SELECT * FROM ${scene.ledgerDatabase}.batches`)).toEqual([]);
});

test('a batch of an earlier epoch that is already done returns its results', async () => {
  const scene = await openScene();
  const requests = new Requests(openExecutor(scene));
  await requests.peek();
  await requests.open(null, 'first');
  const done = await requests.batch('first', 0, [insertThingSql('one')]);
  await requests.open('first', 'second');
  expect(await requests.batch('first', 0, [insertThingSql('one')])).toEqual(done);
  expect(await thingNames(scene)).toEqual(['one']);
});
