import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainReason, DrainSummary } from '../shared/drain-summary.ts';
import { ConnectionError } from '../shared/errors.ts';
import { errorFields } from '../shared/logging.ts';
import { addSummaries } from './output/add-summaries.ts';
import type { Display } from './output/display.ts';

const PAUSE_MS = 5000;

/** One drain that waits for new entries, and tells its counts while it goes on. */
export type Drain = (onProgress: (summary: DrainSummary) => void) => Promise<DrainSummary>;

/**
 * Repeats `drain` until the signal, with a pause where it could not go on: another consumer is running, a server is down.
 * An error of the first one is thrown, so that who starts the program sees at once what is wrong with the configuration
 * or a server; later ones are waited out.
 *
 * @returns the counts of all drains together
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
      if (reason !== lastReason && !mayGoOn(reason))
        logger.warn(`waiting to try again: ${message ?? reason}`, { reason });
      lastReason = reason;
    } catch (error) {
      if (lastReason === undefined || !(error instanceof ConnectionError)) throw error;
      logger.error('waiting to try again', { error: errorFields(error) });
      lastReason = 'error';
    }
    if (!mayGoOn(lastReason)) await pause(pauseMs, signal);
  }
  return { ...total, complete: false, reason: 'stopped' };
}

function mayGoOn(reason: DrainReason | 'error'): boolean {
  return reason === 'budget' || reason === 'drained' || reason === 'stopped';
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Rejects when the signal comes, which ends the pause just as well.
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}
