import { type DestinationStream, pino } from 'pino';

export { errorFields } from './error-fields.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Structured data next to a message: counts, names, IDs. Never passwords or values of a row. A field named `message` is
 * excluded, because in JSON it would replace the message.
 */
export type LogFields = Readonly<Record<string, unknown>> & { readonly message?: never };

type Log = (message: string, fields?: LogFields) => void;

/** The interface that code logs with, locally and on Lambda. */
export type Logger = Readonly<Record<LogLevel, Log>>;

export interface LoggerOptions {
  /** Messages below this level are dropped. */
  readonly level: LogLevel;
  /** Where lines are written, each with a line break. A terminal gets readable text, everything else JSON objects. */
  readonly destination: DestinationStream & { readonly isTTY?: boolean };
}

/** A logger that writes each message immediately, so that no message is lost if the process is killed. */
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
