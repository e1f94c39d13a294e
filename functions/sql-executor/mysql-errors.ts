import type { MysqlError } from './error-classes.ts';

const MESSAGE_LIMIT = 1000;

/**
 * An error of mysql2: of the server (`errno` above 0) or of the connection. Where the server has closed a connection, the
 * next command on it fails with an error that has neither number nor code, but is `fatal`.
 */
export function isMysqlError(error: unknown): error is Error & MysqlError {
  return error instanceof Error && ('errno' in error || 'code' in error || 'fatal' in error);
}

/**
 * MySQL's own words. They may hold a row's values, so they go into dead letters and the ledger, never into logs. The
 * connection reads bytes as they are, so that the text must be decoded here.
 */
export function messageOf(error: { readonly message: string }): string {
  return Buffer.from(error.message, 'latin1').toString('utf8').slice(0, MESSAGE_LIMIT);
}
