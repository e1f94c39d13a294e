import { type DestinationStream, pino } from 'pino';

export { errorFields } from './error-fields.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Facts beside a message: counts, names, ids. No passwords, and nothing from a row. One that is named `message` as well
 * would be lost: in JSON the second one of a name wins.
 */
export type LogFields = Readonly<Record<string, unknown>> & { readonly message?: never };

type Log = (message: string, fields?: LogFields) => void;

/** What code is given to log with. */
export type Logger = Readonly<Record<LogLevel, Log>>;

export interface LoggerOptions {
  /** Less important messages are left out. */
  readonly level: LogLevel;
  /** Where lines go, each ending in a line break. On a terminal they are text for people, else JSON objects. */
  readonly destination: DestinationStream & { readonly isTTY?: boolean };
}

/** A logger that writes each message at once, so that none is missing when the process is killed. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const stream = destination.isTTY
    ? { write: (line: string) => destination.write(toReadableLine(line)) }
    : destination;
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const log =
    (name: LogLevel): Log =>
    (message, fields = {}) =>
      logger[name](fields, message);
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

function toReadableLine(line: string): string {
  const entry: Record<string, unknown> = JSON.parse(line);
  const { level, time, message, ...fields } = entry;
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${String(message)}${shown.join('')}\n`;
}
