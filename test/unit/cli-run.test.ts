import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { DrainOptions } from '../../cli/consumer/consumer.ts';
import { type Drain, runUntilStopped } from '../../cli/run-until-stopped.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { ConfigurationError, ConnectionError } from '../../shared/errors.ts';
import { createLogger } from '../../shared/logging.ts';
import { channel, runConsumer, summary } from '../kit/cli-program.ts';

/** Runs drains with the given outcomes, then stops. */
async function runThrough(outcomes: (DrainSummary | Error)[]) {
  const lines: string[] = [];
  const shown: DrainSummary[] = [];
  const stop = new AbortController();
  const drain: Drain = async (onProgress) => {
    const outcome = outcomes.shift();
    if (outcomes.length === 0) stop.abort();
    if (outcome === undefined || outcome instanceof Error) throw outcome;
    onProgress(outcome);
    return outcome;
  };
  const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const progress = { update: (current: DrainSummary) => void shown.push(current), done: () => {} };
  const total = await runUntilStopped(drain, stop.signal, { logger, progress }, 1);
  return { total, shown, lines };
}

describe('consumer run', () => {
  it('drains in tail mode until a signal, and exits with 0', async () => {
    const signals = new EventEmitter();
    const tails: (boolean | undefined)[] = [];
    const drain = async ({ signal, isTail }: DrainOptions) => {
      tails.push(isTail);
      signals.emit('SIGTERM');
      expect(signal?.aborted).toBe(true);
      return summary({ reason: 'stopped' });
    };
    const run = await runConsumer('run --registry REGISTRY --json', { drain, signals });
    expect(run.exitCode).toBe(0);
    expect(tails).toEqual([true]);
    expect(JSON.parse(run.stdout)).toMatchObject({ reason: 'stopped', channels: { lazy: { entries: 3 } } });
  });

  it('adds up the counts of its drains', async () => {
    const { total, shown } = await runThrough([
      summary({ channels: { lazy: channel({ entries: 3, backlog: 9 }) } }),
      summary({ channels: { lazy: channel({ entries: 4, backlog: 1 }), log: channel({ logRows: 2 }) } }),
    ]);
    expect(total).toMatchObject({
      reason: 'stopped',
      seconds: 3,
      channels: { lazy: { entries: 7, backlog: 1 }, log: { logRows: 2 } },
    });
    expect(shown.map(({ channels }) => channels['lazy']?.entries)).toEqual([3, 7]);
  });

  it('waits while another consumer runs or a server is down, and logs it once', async () => {
    const { lines } = await runThrough([
      summary({ reason: 'locked', message: 'Held by host a.' }),
      summary({ reason: 'locked', message: 'Held by host a.' }),
      new ConnectionError('redis-unreachable', 'no Redis'),
      summary({ reason: 'stopped' }),
    ]);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', reason: 'locked', message: 'drain stopped, waiting to retry: Held by host a.' },
      {
        level: 'error',
        message: 'drain failed, waiting to retry',
        error: { code: 'redis-unreachable', message: 'no Redis' },
      },
    ]);
  });

  it('throws an error of the first drain, and a configuration error of any drain', async () => {
    await expect(runThrough([new ConnectionError('x', 'no server'), summary()])).rejects.toThrow('no server');
    const later = [summary(), new ConfigurationError('x', 'wrong'), summary()];
    await expect(runThrough(later)).rejects.toThrow('wrong');
  });
});
