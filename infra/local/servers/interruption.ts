import { constants } from 'node:os';
import { BackgroundConsumerError, withNextStep } from '../../../shared/errors.ts';

/** Ctrl-C, to a program that starts servers. It may come twice: from the terminal and from npm. */
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

/** Says what went wrong and what to do; an error that nobody foresaw is thrown on, with its stack. */
export function reportError(error: unknown): void {
  if (!(error instanceof BackgroundConsumerError)) throw error;
  console.error(withNextStep(error.message, error.nextStep));
  process.exitCode = 1;
}
