import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { addGarbage } from '../kit/add-garbage.ts';
import { plantCacheKeys } from '../kit/cache-keys.ts';
import { compareState } from '../kit/compare.ts';
import { crudOutcome } from '../kit/crud-outcome.ts';
import { deploy, REMAINING_MS } from '../kit/deployed-scene.ts';
import { describeDifferences } from '../kit/difference.ts';
import { type LoadedFixture, loadFixture } from '../kit/load-fixture.ts';
import { entriesOf } from '../kit/recorded-entries.ts';
import { readState } from '../kit/state.ts';
import { readTestRegistry } from '../kit/test-registry.ts';
import type { Outcome } from '../oracle/outcome.ts';

/** Longer than the executor keeps idle connections. */
const FROZEN_MS = 5200;

async function differencesFrom(fixture: LoadedFixture, expected: Outcome): Promise<string> {
  const registry = readTestRegistry(fixture.registryYaml, fixture.database(''));
  const state = await readState(registry);
  return describeDifferences(compareState(expected, state, entriesOf(fixture.recording)));
}

async function loadCrud(): Promise<{ fixture: LoadedFixture; expected: Outcome }> {
  const fixture = await loadFixture('crud');
  const expected = crudOutcome(fixture.directory);
  await plantCacheKeys(readTestRegistry(fixture.registryYaml, fixture.database('')), expected);
  return { fixture, expected };
}

describe('poller and SQL executor as Lambda functions', () => {
  test('drain the recorded case crud through Lambda’s API', async () => {
    const { fixture, expected } = await loadCrud();
    const { poller } = await deploy(fixture);
    const summary = await poller.perform({ operation: 'drain' }, REMAINING_MS);
    expect(summary).toMatchObject({ complete: true, reason: 'drained' });
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('finish within a second without invoking the executor if there is nothing to do', async () => {
    const { fixture } = await loadCrud();
    let invocations = 0;
    const { poller } = await deploy(fixture, () => {
      invocations++;
      return undefined;
    });
    await poller.perform({ operation: 'drain' }, REMAINING_MS);
    invocations = 0;
    const startedAt = Date.now();
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(Date.now() - startedAt).toBeLessThan(1000);
    expect(invocations).toBe(0);
  });

  test('drain the recorded case crud while every third invocation is throttled', async () => {
    const { fixture, expected } = await loadCrud();
    let count = 0;
    const { poller } = await deploy(fixture, () =>
      count++ % 3 === 0 ? { status: 429, errorName: 'TooManyRequestsException' } : undefined,
    );
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('read a secret again when its password is rejected', async () => {
    const { fixture, expected } = await loadCrud();
    const { poller, executorSecrets } = await deploy(fixture);
    executorSecrets.isOutdated = true;
    expect(await poller.perform({ operation: 'drain' }, REMAINING_MS)).toMatchObject({ complete: true });
    expect(executorSecrets.freshReads).toBeGreaterThan(0);
    expect(await differencesFrom(fixture, expected)).toBe('');
  });

  test('replace connections that were closed while the executor was frozen', async () => {
    const { fixture } = await loadCrud();
    const { poller, executor } = await deploy(fixture);
    await poller.perform({ operation: 'status' }, REMAINING_MS);
    await endSessions(fixture);
    await sleep(FROZEN_MS);
    const request = {
      version: PROTOCOL_VERSION,
      pool: 'default',
      consumer: 'me',
      deadline: Date.now() + 5000,
      operation: 'peek',
    } as const;
    expect(await executor.execute(request)).toEqual({ status: 'peeked', token: null });
  });

  test('leave all entries in their streams and report the reason if the poller is not allowed to invoke the executor', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture, () => ({ status: 403, errorName: 'AccessDeniedException' }));
    const summary = await poller.perform({ operation: 'drain' }, REMAINING_MS);
    expect(summary).toMatchObject({ complete: false, reason: 'pool-down' });
    expect(summary).toMatchObject({ message: expect.stringContaining("poller's role") });
    expect(summary).toMatchObject({ channels: { lazy: { entries: 0, deadLetters: 0 } } });
  });
});

describe('status of deployed functions', () => {
  test('reports the remaining entries, and that all servers respond', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture);
    const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
    if (!('pools' in status)) throw new Error('the reply is not a status');
    expect(status.pools.filter(({ failure }) => failure !== undefined)).toEqual([]);
    const lazy = status.channels.find(({ channel }) => channel === 'lazy');
    expect(lazy).toMatchObject({ pending: 0, deadLetters: 0 });
    expect(lazy?.backlog).toBeGreaterThan(0);
    expect(lazy?.oldestAgeSeconds).toBeGreaterThan(0);
  });

  test('reports the remaining entries of own streams, and which function cannot be invoked', async () => {
    const { fixture } = await loadCrud();
    const bind = (group: string, functionName: string) => ({
      stream: 'user-changed',
      group,
      handler: { kind: 'lambda', functionName },
    });
    const { poller } = await deploy(
      fixture,
      (_, functionName) => {
        if (functionName === 'mailer') return { result: null };
        return functionName === 'auditor' ? { status: 403, errorName: 'AccessDeniedException' } : undefined;
      },
      [bind('user-group', 'mailer'), bind('audit-group', 'auditor')],
    );
    const read = async (group: string) => {
      const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
      if (!('handlers' in status)) throw new Error('the reply is not a status');
      const channel = `user-changed/${group}`;
      return {
        ...status.channels.find((state) => state.channel === channel),
        failure: status.handlers.find((handler) => handler.channel === channel)?.failure,
      };
    };
    const { backlog: before } = await read('user-group');
    await addGarbage(fixture, 'user-changed', 3);
    const backlog = (before ?? 0) + 3;
    expect(await read('user-group')).toMatchObject({ backlog, pending: 0, deadLetters: 0 });
    expect((await read('user-group')).failure).toBeUndefined();
    expect((await read('audit-group')).failure).toMatchObject({ stage: 'permission' });
    await poller.perform({ operation: 'drain', budgetMs: 5000 }, REMAINING_MS);
    expect((await read('user-group')).backlog).toBeLessThan(backlog);
    const refused = await read('audit-group');
    expect((refused.backlog ?? 0) + (refused.pending ?? 0)).toBeGreaterThanOrEqual(backlog);
    expect(refused.oldestAgeSeconds).toBeGreaterThan(0);
  });

  test('reports the stage permission if the poller is not allowed to invoke the executor', async () => {
    const { fixture } = await loadCrud();
    const { poller } = await deploy(fixture, () => ({ status: 403, errorName: 'AccessDeniedException' }));
    const status = await poller.perform({ operation: 'status' }, REMAINING_MS);
    if (!('pools' in status)) throw new Error('the reply is not a status');
    const failures = status.pools.filter(({ kind }) => kind === 'mysql').map(({ failure }) => failure?.stage);
    expect(new Set(failures)).toEqual(new Set(['permission']));
  });
});

describe('dead letters of deployed functions', () => {
  test('are listed in pages, and each is redriven once', async () => {
    const fixture = await loadFixture('beeorm-breaks/duplicate-key');
    const { poller } = await deploy(fixture);
    await poller.perform({ operation: 'drain' }, REMAINING_MS);
    const listed = await poller.perform({ operation: 'dead-letters', filter: {} }, REMAINING_MS);
    if (!('deadLetters' in listed)) throw new Error('the reply is not a page of dead letters');
    const count = listed.deadLetters?.length ?? 0;
    expect(count).toBeGreaterThan(0);
    expect(listed.next).toBeUndefined();
    const redriven = await poller.perform({ operation: 'redrive', filter: {} }, REMAINING_MS);
    expect(redriven).toEqual({ changed: count });
    await poller.perform({ operation: 'drain' }, REMAINING_MS);
    const again = await poller.perform({ operation: 'discard', filter: {} }, REMAINING_MS);
    expect(again).toEqual({ changed: count });
  });
});

/** Closes connections like a server that closes idle connections. */
async function endSessions(fixture: LoadedFixture): Promise<void> {
  const { host, port, user, password } = fixture.mysql;
  const connection = await createConnection({ host, port, user, password });
  const [sessions] = await connection.query<RowDataPacket[]>(
    'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB LIKE ?',
    [`${fixture.database('').replaceAll('_', '\\_')}%`],
  );
  for (const { id } of sessions) await connection.query('KILL ?', [id]);
  await connection.end();
  expect(sessions.length).toBeGreaterThan(0);
}
