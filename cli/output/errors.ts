import { CommanderError } from 'commander';
import { BackgroundConsumerError, withNextStep } from '../../shared/errors.ts';
import { errorFields } from '../../shared/logging.ts';
import type { Output } from '../context.ts';
import { printable } from './table.ts';

/** An error as a command reports it with `--json`. */
interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly nextStep?: string;
}

/** The command failed after it had begun to write its JSON object. It has completed the object with the error. */
export class FailedWhileWriting extends Error {
  override readonly name = 'FailedWhileWriting';
}

/** Writes the only JSON object of a command that failed. */
export function writeErrorObject(output: Output, error: unknown): void {
  output.write(`${JSON.stringify({ error: toReported(error) })}\n`);
}

/** The end of a JSON object that is written piece by piece, if it cannot be continued because of the error. */
export function errorMember(error: unknown): string {
  return `"error":${JSON.stringify(toReported(error))}}\n`;
}

/** One line with the next step. An unexpected error is reduced to the fields that cannot contain row values. */
export function describeError(error: unknown): string {
  const { message, nextStep } = toReported(error);
  return printable(withNextStep(message, nextStep));
}

function toReported(error: unknown): ReportedError {
  if (error instanceof CommanderError)
    return { code: 'usage', message: error.message.replace(/^error: /, '') };
  if (!(error instanceof BackgroundConsumerError))
    return { code: 'unexpected', message: `unexpected error: ${JSON.stringify(errorFields(error))}` };
  const { code, message, nextStep } = error;
  return nextStep === undefined ? { code, message } : { code, message, nextStep };
}
