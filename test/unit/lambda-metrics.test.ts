import { readFileSync } from 'node:fs';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { DrainMetrics, InvocationCounts } from '../../functions/poller/aws/metrics.ts';
import type { ChannelSummary, DrainSummary } from '../../shared/drain-summary.ts';
import type { ChannelState } from '../../shared/operations.ts';

const metricLine = z.looseObject({ channel: z.string().optional() });

/** The published metrics by channel; those of the whole poller are under `all`. */
function published(
  summary: DrainSummary | undefined,
  channels: readonly ChannelState[],
  { invocations = new InvocationCounts(), isTail = false } = {},
) {
  const byChannel: Record<string, Record<string, unknown>> = {};
  const spy = vi.spyOn(console, 'log').mockImplementation((line: unknown) => {
    const { channel = 'all', ...values } = metricLine.parse(JSON.parse(String(line)));
    byChannel[channel] = values;
  });
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  try {
    const metrics = new DrainMetrics('test', new Metrics({ namespace: 'Test', serviceName: 'test' }));
    metrics.publish({ summary, channels, invocations, remainingBudgetMs: 5, isTail });
  } finally {
    vi.unstubAllEnvs();
    spy.mockRestore();
  }
  return byChannel;
}

const state = (channel: string, oldestAgeSeconds: number): ChannelState => ({
  channel,
  stream: channel,
  group: 'g',
  pending: 1,
  backlog: 2,
  deadLetters: 0,
  oldestAgeSeconds,
});

const done = (stream: string, deadLetters: number): ChannelSummary => ({
  stream,
  entries: 4,
  statements: 0,
  logRows: 0,
  dirtyEvents: 0,
  cacheKeys: 0,
  failed: 0,
  deadLetters,
  pending: 1,
  backlog: 2,
});

describe('the metrics of a drain', () => {
  test('are published for each channel and own stream, and for the whole poller, which the alarms watch', () => {
    const summary: DrainSummary = {
      complete: false,
      reason: 'budget',
      seconds: 1,
      channels: { lazy: done('lazy', 1), 'orders/billing': done('orders', 2) },
    };
    const metrics = published(summary, [state('lazy', 30), state('orders/billing', 900)]);
    expect(metrics['all']).toMatchObject({ OldestEntryAge: 900, NewDeadLetters: 3, BudgetUsedUp: 1 });
    expect(metrics['orders/billing']).toMatchObject({
      OldestEntryAge: 900,
      NewDeadLetters: 2,
      Backlog: 2,
      Pending: 1,
      Entries: 4,
    });
    expect(metrics['lazy']).toMatchObject({ OldestEntryAge: 30, NewDeadLetters: 1 });
    expect(metrics['lazy']).not.toHaveProperty('Statements');
  });

  test('are as many as docs/deploy.md says', () => {
    const names = ['lazy', 'log', 'search', 'garbage'];
    const count = (summary: DrainSummary, states: readonly ChannelState[], counts = new InvocationCounts()) =>
      Object.values(published(summary, states, { invocations: counts }))
        .flatMap((values) => Object.keys(values))
        .filter((name) => !['_aws', 'service'].includes(name)).length;
    const summary = (channels: DrainSummary['channels']): DrainSummary => ({
      complete: true,
      reason: 'drained',
      seconds: 1,
      channels,
    });
    const idle = count(
      summary({ garbage: done('garbage', 0) }),
      names.map((name) => state(name, 0)),
    );
    const counts = new InvocationCounts();
    counts.add(20, undefined);
    const busy = count(
      summary(Object.fromEntries(names.map((name) => [name, { ...done(name, 1), statements: 5 }]))),
      names.map((name) => ({ ...state(name, 9), deadLetters: 3 })),
      counts,
    );
    const page = readFileSync(`${import.meta.dirname}/../../docs/deploy.md`, 'utf8');
    expect(page).toContain(`there are ${idle} when idle and ${busy} at most`);
  });

  test.each([
    ['report', 'is behind', 900, 1],
    ['do not report', 'leaves only entries that arrived while it ended', 5, 0],
  ])('%s a used-up budget for a tail that %s', (_verb, _tail, age, usedUp) => {
    const summary: DrainSummary = { complete: false, reason: 'budget', seconds: 50, channels: {} };
    const metrics = published(summary, [state('lazy', age)], { isTail: true });
    expect(metrics['all']).toMatchObject({ BudgetUsedUp: usedUp });
  });

  test('do not include the budget while another poller holds the lock', () => {
    const locked: DrainSummary = { complete: false, reason: 'locked', seconds: 0, channels: {} };
    expect(published(locked, [])['all']).not.toHaveProperty('BudgetUsedUp');
  });

  test('report a failed drain, and no age if no channel could be read', () => {
    const { all } = published(undefined, []);
    expect(all).toMatchObject({ DrainFailed: 1, BudgetUsedUp: 0 });
    expect(all).not.toHaveProperty('OldestEntryAge');
    expect(all).not.toHaveProperty('NewDeadLetters');
  });
});
