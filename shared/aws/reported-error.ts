import { errorFields } from '../error-fields.ts';
import { BackgroundConsumerError, withNextStep } from '../errors.ts';
import type { Logger } from '../logging.ts';

/**
 * An error that a handler can reject with: Lambda logs and returns the name, message, stack and all properties of an
 * error.
 */
export function toReportedError(error: unknown): Error {
  const { name, code } = errorFields(error);
  const reported = new Error(reportedMessage(error, code));
  reported.name = name;
  // Its own stack would only show this function. The original stack is in the log.
  reported.stack = `${name}: ${reported.message}`;
  return reported;
}

function reportedMessage(error: unknown, code: string | undefined): string {
  if (error instanceof BackgroundConsumerError) return withNextStep(error.message, error.nextStep);
  return code === undefined
    ? 'this should not have happened, see the log'
    : `failed with ${code}, see the log`;
}

/** Runs a handler. Its errors are logged and reported without passwords and values of rows. */
export async function reportingErrors<Result>(logger: Logger, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    logger.error('the invocation failed', { error: errorFields(error) });
    throw toReportedError(error);
  }
}

/** The exit code of Lambda's own runtime after an uncaught error. */
const UNCAUGHT_EXIT_CODE = 129;

/**
 * Replaces Lambda's own handling, which prints all properties of an uncaught error. Call once, when the handler is
 * loaded.
 */
export function reportUncaughtErrors(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.removeAllListeners(event);
    process.on(event, (error: unknown) => {
      logger.error('uncaught error, exiting', { event, error: errorFields(error) });
      process.exit(UNCAUGHT_EXIT_CODE);
    });
  }
}
