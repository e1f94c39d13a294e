import { describe, expect, test } from 'vitest';
import { drainSummarySchema } from '../../shared/drain-summary.ts';
import { deadLetterPageSchema, statusReplySchema } from '../../shared/operations.ts';
import { channel, summary } from '../kit/cli-program.ts';

describe('the reply of an older deployed function', () => {
  test('reports no handlers in its status', () => {
    const reply = { pools: [{ pool: 'default', kind: 'redis' }], channels: [] };
    expect(statusReplySchema.parse(reply)).toEqual({ ...reply, handlers: [] });
  });

  test('calls the stage of a failure by its former name', () => {
    const failure = { code: '1045', message: 'Access denied' };
    const status = statusReplySchema.parse({
      pools: [{ pool: 'default', kind: 'mysql', failure: { hop: 'authentication', ...failure } }],
      channels: [],
    });
    expect(status.pools[0]?.failure).toEqual({ stage: 'authentication', ...failure });
  });
});

describe('the reply of a deployed function', () => {
  test('keeps every count of a drain', () => {
    const drained = summary({
      reason: 'pool-down',
      message: "MySQL pool 'default' cannot be reached",
      channels: {
        lazy: channel({ backlog: null, error: { code: 'connection-refused', message: 'refused' } }),
        search: channel({ documents: 2 }),
        garbage: channel({ trimmed: 3 }),
      },
    });
    expect(drainSummarySchema.parse(JSON.parse(JSON.stringify(drained)))).toEqual(drained);
  });

  test('lists dead letters without their original fields, unless one is requested by its id', () => {
    const listed = {
      stream: 'orm-lazy-channel',
      id: '1700000000000-0',
      entry: '1690000000000-0',
      group: 'orm-async-consumer',
      code: '1062',
      message: 'Duplicate entry',
      attempts: 2,
      failedAt: '2024-01-01T00:00:00.000Z',
      unapplied: {
        all: false,
        statements: [1],
        logs: [],
        dirty: [0],
        cacheKeys: [],
        logIds: {},
        dirtyIds: { 0: '7' },
        dirtyStreams: { 0: ['changed'] },
      },
    };
    const next = { stream: 'orm-lazy-channel', id: '1700000000000-0', startedAt: 1_700_000_000_000 };
    const page = deadLetterPageSchema.parse({ deadLetters: [listed], next });
    expect(page).toEqual({ deadLetters: [{ ...listed, original: [] }], changed: 0, refused: 0, next });
    const shown = { ...listed, original: [['s', 'body']] };
    expect(deadLetterPageSchema.parse({ deadLetters: [shown] }).deadLetters).toEqual([shown]);
  });

  test('counts redriven dead letters without listing them', () => {
    expect(deadLetterPageSchema.parse({ changed: 250 })).toEqual({
      deadLetters: [],
      changed: 250,
      refused: 0,
    });
  });
});
