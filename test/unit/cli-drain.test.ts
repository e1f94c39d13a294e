import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { DrainOptions } from '../../cli/consumer/consumer.ts';
import { ConnectionError } from '../../shared/errors.ts';
import { channel, runConsumer, summary } from '../kit/cli-program.ts';

const DRAIN = 'drain --registry REGISTRY';

describe('consumer drain', () => {
  it.each([
    ['drained', 0],
    ['locked', 0],
    ['budget', 2],
    ['stopped', 2],
    ['failed-entries', 2],
    ['lock-lost', 2],
    ['pool-down', 1],
  ] as const)('exits with the code of its outcome: %s', async (reason, exitCode) => {
    const run = await runConsumer(`${DRAIN} --json`, { drain: async () => summary({ reason }) });
    expect(run.exitCode).toBe(exitCode);
    expect(JSON.parse(run.stdout)).toEqual(summary({ reason }));
  });

  it('exits with 0 if it is stopped when no entries remain', async () => {
    const drain = async () => summary({ reason: 'stopped', complete: true });
    expect((await runConsumer(DRAIN, { drain })).exitCode).toBe(0);
  });

  it('writes only one JSON object to standard output', async () => {
    const run = await runConsumer(`${DRAIN} --json`);
    expect(run.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ complete: true, channels: { lazy: { entries: 3 } } });
  });

  it('writes a readable report', async () => {
    const lazy = channel({ entries: 20_000, statements: 21_000, pending: 2, backlog: 5, deadLetters: 1 });
    const log = channel({
      stream: 'orm-log-channel',
      error: { code: 'redis-down', message: 'no \u001b[31mRedis' },
    });
    const drain = async () => summary({ reason: 'budget', channels: { lazy, log } });
    const { stdout } = await runConsumer(DRAIN, { drain });
    expect(stdout).toMatch(/^channel +entries +statements /);
    expect(stdout).toMatch(/^lazy +20,000 +21,000 +0 /m);
    expect(stdout).toContain('log: no \\u001b[31mRedis (redis-down)\n');
    expect(stdout).toContain('The budget ended after 1.5 s; 7 entries remain.');
    expect(stdout).toContain('1 dead letter was added: see `dead-letters list`.');
  });

  it('reports how many entries remain', async () => {
    const outcome = async (backlog: number | null) => {
      const channels = { lazy: channel({ pending: 1, backlog }) };
      const { stdout } = await runConsumer(DRAIN, {
        drain: async () => summary({ reason: 'budget', channels }),
      });
      return stdout.split('\n').at(-2);
    };
    expect(await outcome(0)).toContain('; 1 entry remains.');
    expect(await outcome(1)).toContain('; 2 entries remain.');
    expect(await outcome(null)).toContain('; at least 1 entry remains.');
  });

  it('reports in sentences which consumer holds the lock', async () => {
    const drain = async () =>
      summary({ complete: false, reason: 'locked', message: 'the lock is held by x' });
    const { stdout } = await runConsumer(DRAIN, { drain });
    expect(stdout).toContain('another consumer is running. The lock is held by x.\n');
  });

  it('reports in one line that a server is down, with a next step', async () => {
    const drain = async () => summary({ reason: 'pool-down', message: 'MySQL pool default refuses.' });
    const { stderr } = await runConsumer(DRAIN, { drain });
    expect(stderr).toMatch(/^error: A server cannot be reached; .* MySQL pool default refuses\.\n$/);
  });

  it('reports in one line, without a stack, that it could not connect', async () => {
    const open = () => {
      throw new ConnectionError('redis-unreachable', 'Redis pool default: connection refused', {
        nextStep: 'Start Redis.',
      });
    };
    const { exitCode, stdout, stderr } = await runConsumer(DRAIN, { open });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'error: Redis pool default: connection refused. Start Redis.\n',
    });
  });

  it('hides the message of an unexpected error, because it may contain row values', async () => {
    const drain = async () => {
      throw new Error("Duplicate entry 'secret'");
    };
    const { exitCode, stderr } = await runConsumer(DRAIN, { drain });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('unexpected error: ');
    expect(stderr).not.toContain('secret');
  });

  it('gives the drain the rest of its budget after connecting', async () => {
    const budgets: number[] = [];
    const drain = async ({ budgetMs }: DrainOptions) => {
      budgets.push(budgetMs);
      return summary();
    };
    await runConsumer(`${DRAIN} --budget 2s`, { drain });
    expect(budgets[0]).toBeGreaterThan(1000);
    expect(budgets[0]).toBeLessThan(2000);
  });

  it('stops the drain on the first signal, ignores its repetition, and exits immediately on a later one', async () => {
    const signals = new EventEmitter();
    const drain = async ({ signal }: DrainOptions) => {
      signals.emit('SIGINT');
      signals.emit('SIGINT');
      expect(signal?.aborted).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 600));
      signals.emit('SIGTERM');
      return summary({ reason: 'stopped' });
    };
    const run = await runConsumer(DRAIN, { drain, signals });
    expect(run).toMatchObject({ exitCode: 2, exitedNow: [130] });
    expect(run.stderr).toContain('stopping, finishing entries in flight');
    expect(signals.listenerCount('SIGINT')).toBe(0);
  });

  it('redraws its progress on a terminal, then writes the report', async () => {
    const drain = async ({ onProgress }: DrainOptions) => {
      onProgress?.(summary({ seconds: 1, channels: { lazy: channel({ entries: 1000, backlog: 9000 }) } }));
      onProgress?.(summary({ seconds: 2, channels: { lazy: channel({ entries: 3000, backlog: 7000 }) } }));
      return summary();
    };
    const { stdout, stderr } = await runConsumer(DRAIN, { drain, isTerminal: true });
    expect(stderr).toMatch(/channel +entries +per second +pending +backlog/);
    expect(stderr).toMatch(/lazy +1,000 +1,000 +0 +9,000/);
    expect(stdout).toContain('Drained 3 entries in 1.5 s; no entries remain.');
  });
});
