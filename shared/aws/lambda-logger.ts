import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { errorFields } from '../error-fields.ts';
import type { LogFields, Logger, LogLevel } from '../logging.ts';

const MAX_FIELD_DEPTH = 5;

/** A logger for Lambda: Powertools writes JSON lines with the request ID. */
export interface LambdaLogger extends Logger {
  /** Adds the invocation's request ID to every line from now on. */
  begin(context: Context): void;
}

/** @param logger tests pass one whose output they read */
export function createLambdaLogger(
  level: LogLevel,
  serviceName: string,
  logger = new PowertoolsLogger({ serviceName, logLevel: powertoolsLevel(level) }),
): LambdaLogger {
  const log =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      const shown: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(fields)) shown[key] = withoutErrors(value);
      logger[name](message, shown);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    begin: (context) => logger.addContext(context),
  };
}

function powertoolsLevel(level: LogLevel): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  switch (level) {
    case 'debug':
      return 'DEBUG';
    case 'info':
      return 'INFO';
    case 'warn':
      return 'WARN';
    case 'error':
      return 'ERROR';
  }
}

/**
 * Powertools would log every property of an error, but mysql2's `sql` and ioredis's `command` contain values of rows.
 */
function withoutErrors(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return errorFields(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_FIELD_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((item) => withoutErrors(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [key, withoutErrors(item, depth + 1)]);
  return Object.fromEntries(entries);
}
