import { errorFields } from '../error-fields.ts';
import { BackgroundConsumerError, withNextStep } from '../errors.ts';
import type { Logger } from '../logging.ts';

/** What a handler may reject with: Lambda logs and returns an error's name, message, stack and every property it has. */
export function toReportedError(error: unknown): Error {
  const { name, code } = errorFields(error);
  const reported = new Error(reportedMessage(error, code));
  reported.name = name;
  // Its own stack would only say that it was made here; the true one stands in the log.
  reported.stack = `${name}: ${reported.message}`;
  return reported;
}

function reportedMessage(error: unknown, code: string | undefined): string {
  if (error instanceof BackgroundConsumerError) return withNextStep(error.message, error.nextStep);
  return code === undefined
    ? 'this should not have happened, see the log'
    : `failed with ${code}, see the log`;
}

/** Runs what a handler does; whatever it rejects with is logged and reported without values of rows and passwords. */
export async function reportingErrors<Result>(logger: Logger, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    logger.error('the invocation failed', { error: errorFields(error) });
    throw toReportedError(error);
  }
}

/** Exit code with which Lambda's own runtime ends after an uncaught error. */
const UNCAUGHT_EXIT_CODE = 129;

/** Lambda's runtime would print an uncaught error with all its properties. Call once, when the handler is loaded. */
export function reportUncaughtErrors(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.removeAllListeners(event);
    process.on(event, (error: unknown) => {
      logger.error('an uncaught error ends the process', { event, error: errorFields(error) });
      process.exit(UNCAUGHT_EXIT_CODE);
    });
  }
}
