import { BackgroundConsumerError } from './errors.ts';

/** Facts about an error that can't hold secrets or values of a row, as its message may. */
export interface ErrorFields {
  readonly name: string;
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  /** Only of this project's own errors. */
  readonly message?: string;
  readonly nextStep?: string;
  /** Where it was thrown, for errors that have no code to know them by. */
  readonly stack?: readonly string[];
  readonly cause?: ErrorFields;
}

const MAX_CAUSE_DEPTH = 3;
const STACK_LINES = 5;

/** What may be logged of an error. MySQL's messages quote values (`Duplicate entry 'x@y' …`), so they are left out. */
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

/** Redis begins its messages with a code; what follows may quote a key. */
function redisCode(error: Error): string | undefined {
  return error.name === 'ReplyError' ? /^[A-Z]+(?= )/.exec(error.message)?.[0] : undefined;
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : undefined;
}

/** The places alone: a stack begins with the message. */
function stackOf(error: Error): string[] {
  const lines = (error.stack ?? '').replace(error.message, '').split('\n');
  const places = lines.map((line) => line.trim()).filter((line) => /^at .+:\d+:\d+\)?$/.test(line));
  return places.slice(0, STACK_LINES);
}
