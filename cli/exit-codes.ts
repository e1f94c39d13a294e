import type { DrainSummary } from '../shared/drain-summary.ts';

/** Exit codes of the program. Scripts depend on these values. */
export const EXIT_CODES = {
  /** Everything is drained, or another consumer is running. */
  done: 0,
  /** Configuration or connection error. */
  error: 1,
  /** Entries remain. */
  entriesRemain: 2,
  /** A second signal ended the process immediately. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

export function exitCodeOf(summary: DrainSummary): ExitCode {
  switch (summary.reason) {
    case 'drained':
    case 'locked':
      return EXIT_CODES.done;
    case 'pool-down':
      return EXIT_CODES.error;
    case 'stopped':
    case 'budget':
    case 'failed-entries':
    case 'lock-lost':
      return summary.complete ? EXIT_CODES.done : EXIT_CODES.entriesRemain;
  }
}
