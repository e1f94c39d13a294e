import { BackgroundConsumerError } from './errors.ts';

/** The parts of an error that cannot contain secrets or values of a row, unlike its message. */
export interface ErrorFields {
  readonly name: string;
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  /** Only of this project's errors. */
  readonly message?: string;
  readonly nextStep?: string;
  /** Where it was thrown. Only if the error has no code. */
  readonly stack?: readonly string[];
  readonly cause?: ErrorFields;
}

const MAX_CAUSE_DEPTH = 3;
const MAX_STACK_FRAMES = 5;

/**
 * The parts of an error that are safe to log. MySQL's messages quote values (`Duplicate entry 'x@y' …`), so they are
 * omitted.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { name: typeof error };
  const known = { ...ownFields(error), ...serverFields(error) };
  const hasCause = error.cause !== undefined && depth < MAX_CAUSE_DEPTH;
  return {
    name: error.name,
    ...known,
    ...(known.code === undefined ? { stack: stackOf(error) } : {}),
    ...(hasCause ? { cause: errorFields(error.cause, depth + 1) } : {}),
  };
}

function ownFields(error: Error): Partial<ErrorFields> {
  if (!(error instanceof BackgroundConsumerError)) return {};
  const { code, message, nextStep } = error;
  return { code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}

function serverFields(error: Error): Partial<ErrorFields> {
  const code = ('code' in error && wordOf(error.code)) || redisCode(error);
  const sqlState = 'sqlState' in error && wordOf(error.sqlState);
  return {
    ...(code && { code }),
    ...('errno' in error && typeof error.errno === 'number' ? { errno: error.errno } : {}),
    ...(sqlState && { sqlState }),
  };
}

/** Redis begins its messages with a code. The rest may quote a key. */
function redisCode(error: Error): string | undefined {
  return error.name === 'ReplyError' ? /^[A-Z]+(?= )/.exec(error.message)?.[0] : undefined;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}

/** Only the frames, because a stack begins with the message. */
function stackOf(error: Error): string[] {
  const lines = (error.stack ?? '').replace(error.message, '').split('\n');
  const frames = lines.map((line) => line.trim()).filter((line) => /^at .+:\d+:\d+\)?$/.test(line));
  return frames.slice(0, MAX_STACK_FRAMES);
}
