import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainReason, DrainSummary } from '../shared/drain-summary.ts';
import { ConnectionError } from '../shared/errors.ts';
import { errorFields } from '../shared/logging.ts';
import { addSummaries } from './output/add-summaries.ts';
import type { Display } from './output/display.ts';

const PAUSE_MS = 5000;

/** One drain that waits for new entries and reports its counts while it runs. */
export type Drain = (onProgress: (summary: DrainSummary) => void) => Promise<DrainSummary>;

/**
 * Repeats `drain` until the signal is aborted. Pauses if a drain could not continue because another consumer is running
 * or a server is down. Throws an error of the first drain, so that the operator who starts the program sees a wrong
 * configuration or an unreachable server immediately; retries after later connection errors.
 *
 * @returns the total counts of all drains
 */
export async function runUntilStopped(
  drain: Drain,
  signal: AbortSignal,
  { logger, progress }: Display,
  pauseMs = PAUSE_MS,
): Promise<DrainSummary> {
  let total: DrainSummary = { complete: false, reason: 'stopped', seconds: 0, channels: {} };
  let lastReason: DrainReason | 'error' | undefined;
  while (!signal.aborted) {
    const before = total;
    try {
      const summary = await drain((current) => progress.update(addSummaries(before, current)));
      total = addSummaries(before, summary);
      const { reason, message } = summary;
      if (reason !== lastReason && !canContinue(reason))
        logger.warn(`drain stopped, waiting to retry: ${message ?? reason}`, { reason });
      lastReason = reason;
    } catch (error) {
      if (lastReason === undefined || !(error instanceof ConnectionError)) throw error;
      logger.error('drain failed, waiting to retry', { error: errorFields(error) });
      lastReason = 'error';
    }
    if (!canContinue(lastReason)) await pause(pauseMs, signal);
  }
  return { ...total, complete: false, reason: 'stopped' };
}

function canContinue(reason: DrainReason | 'error'): boolean {
  return reason === 'budget' || reason === 'drained' || reason === 'stopped';
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // An abort rejects the promise; it ends the pause as intended.
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
