import { createLogger, type Logger, type LogLevel } from '../../shared/logging.ts';
import type { Output, ProgramContext } from '../context.ts';
import { withStopSignal } from '../stop-signals.ts';
import { LiveProgress, LoggedProgress, type Progress } from './progress.ts';

/** The log and the progress of a command. */
export interface Display {
  readonly logger: Logger;
  readonly progress: Progress;
}

/** On a terminal, a live table with log lines above it; otherwise only log lines. Both go to standard error. */
export function openDisplay(stderr: Output, level: LogLevel): Display {
  // Some pseudo-terminals report 0 columns, which would wrap a table after each character.
  if (stderr.isTTY === true && stderr.columns !== 0) {
    const progress = new LiveProgress(stderr);
    return { logger: createLogger({ level, destination: progress.logDestination }), progress };
  }
  const logger = createLogger({ level, destination: stderr });
  return { logger, progress: new LoggedProgress(logger) };
}

/** Runs `task` with a display of its progress and a signal that SIGINT and SIGTERM abort. */
export async function withDisplay<Result>(
  context: ProgramContext,
  level: LogLevel,
  task: (display: Display, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const display = openDisplay(context.stderr, level);
  const onStop = (): void => display.logger.info('stopping, finishing entries in flight');
  try {
    return await withStopSignal(context, onStop, (signal) => task(display, signal));
  } finally {
    display.progress.done();
  }
}
