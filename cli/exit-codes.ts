import type { DrainSummary } from '../shared/drain-summary.ts';

/** What the program ends with. Scripts build on these: they stay as they are. */
export const EXIT_CODES = {
  /** All is drained, or another consumer is at it. */
  done: 0,
  /** Configuration or connection error. */
  error: 1,
  /** Entries are left. */
  entriesLeft: 2,
  /** A second signal: nothing was waited for. */
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
      return summary.complete ? EXIT_CODES.done : EXIT_CODES.entriesLeft;
  }
}
