import { constants } from 'node:os';
import { BackgroundConsumerError, withNextStep } from '../../../shared/errors.ts';

/**
 * Returns a signal that Ctrl-C aborts, so that a program can stop its servers first. Ctrl-C may arrive twice, from the
 * terminal and from npm.
 */
export function listenForInterruption(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      process.exitCode = 128 + constants.signals[signal];
      interruption.abort();
    });
  }
  return interruption.signal;
}

/** Prints a known error with its next step. Rethrows an unexpected error, which prints its stack. */
export function reportError(error: unknown): void {
  if (!(error instanceof BackgroundConsumerError)) throw error;
  console.error(withNextStep(error.message, error.nextStep));
  process.exitCode = 1;
}
