import { createLogger, type Logger, type LogLevel } from '../../shared/logging.ts';
import type { Output, ProgramContext } from '../context.ts';
import { withStopSignal } from '../stop-signals.ts';
import { LiveProgress, LoggedProgress, type Progress } from './progress.ts';

/** Where a command logs, and where it shows how far it is. */
export interface Display {
  readonly logger: Logger;
  readonly progress: Progress;
}

/** On a terminal a live table with log lines above it, else log lines only. Both on standard error. */
export function openDisplay(stderr: Output, level: LogLevel): Display {
  // Some pseudo-terminals are 0 columns wide: a table would be wrapped after each character.
  if (stderr.isTTY === true && stderr.columns !== 0) {
    const progress = new LiveProgress(stderr);
    return { logger: createLogger({ level, destination: progress.logDestination }), progress };
  }
  const logger = createLogger({ level, destination: stderr });
  return { logger, progress: new LoggedProgress(logger) };
}

/** Runs work that is shown while it goes on, and that SIGINT and SIGTERM ask to finish. */
export async function showWork<Result>(
  context: ProgramContext,
  level: LogLevel,
  work: (display: Display, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const display = openDisplay(context.stderr, level);
  const onStop = (): void => display.logger.info('stopping: what is in flight is finished first');
  try {
    return await withStopSignal(context, onStop, (signal) => work(display, signal));
  } finally {
    display.progress.done();
  }
}
