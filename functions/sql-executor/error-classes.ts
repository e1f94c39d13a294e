import {
  CONFIGURATION,
  DEPENDENT,
  NOT_NOW,
  OVERSIZED,
  PERMANENT,
  PERMANENT_STATES,
  TRANSIENT,
} from './error-numbers.ts';

/**
 * What a MySQL error means for the statement that failed with it, and for its transaction. A statement is blamed only if
 * the error says so; every other error means that it cannot run now.
 *
 * - `permanent`: the statement itself is at fault and would fail the same way again. InnoDB undoes only this statement;
 *   the transaction continues. The SQLSTATE says so (see {@link PERMANENT_STATES}), or the number is listed.
 * - `dependent`: a duplicate key or a foreign key. It is permanent only once every earlier statement of the pool is
 *   done: one that is still running may free the key or insert the parent row.
 * - `oversized`: the transaction is too large for a limit of the server. Its statements are run again in smaller ones.
 * - `transient`: the server, the network or another transaction is at fault. The whole transaction is rolled back and
 *   run again later.
 * - `configuration`: the account or the database is at fault, so every statement would fail. No statement is blamed,
 *   and nothing is retried until an operator changes something.
 * - `not-now`: the statement cannot run now, and others can. This is every error that no list contains and whose
 *   SQLSTATE blames nobody. {@link waitOf} says what the statement waits for, if it is known.
 *
 * A number that is listed counts more than the SQLSTATE, because a trigger can combine them freely (SIGNAL).
 */
export type ErrorClass = 'permanent' | 'dependent' | 'oversized' | 'transient' | 'configuration' | 'not-now';

/** The code of a session that cannot be set up with the parameters of the DSN. */
export const SESSION_SET_UP_CODE = 'session-set-up';

/** Codes of mysql2 and Node.js for certificates and handshakes that fail the same way on every attempt. */
const CONFIGURATION_CODES = new Set([
  SESSION_SET_UP_CODE,
  'AUTH_SWITCH_PLUGIN_ERROR',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * An error as mysql2 reports it. `errno` is MySQL's number for a server error, and negative or absent for a socket
 * error.
 */
export interface MysqlError {
  readonly errno?: number;
  readonly code?: string;
  readonly sqlState?: string;
}

/** @returns `transient` for an error without a server error number, unless its code says that it will not go away */
export function classifyError(error: MysqlError): ErrorClass {
  if (error.code !== undefined && CONFIGURATION_CODES.has(error.code)) return 'configuration';
  const number = error.errno ?? 0;
  if (number <= 0 || TRANSIENT.has(number)) return 'transient';
  if (DEPENDENT.has(number)) return 'dependent';
  if (CONFIGURATION.has(number)) return 'configuration';
  if (OVERSIZED.has(number)) return 'oversized';
  if (NOT_NOW.has(number)) return 'not-now';
  const isPermanent = PERMANENT.has(number) || PERMANENT_STATES.has(error.sqlState?.slice(0, 2) ?? '');
  return isPermanent ? 'permanent' : 'not-now';
}

/** Numbers below this one are errors of the operating system: files, disk space, memory. */
const FIRST_SERVER_ERROR = 1000;

/** What a statement waits for that failed with this error. Undefined if the error is not a known wait or limit. */
export function waitOf({ errno = 0 }: MysqlError): string | undefined {
  if (errno > 0 && errno < FIRST_SERVER_ERROR) return 'waits for the disk or the file system';
  if (TRANSIENT.has(errno)) return 'fails with an error that usually passes';
  return NOT_NOW.get(errno) ?? OVERSIZED.get(errno);
}

/** Errors of a server that has become a replica: the address of the pool may belong to another server by now. */
const READ_ONLY_SERVER = new Set([1290, 1792, 1836]);

export function isReadOnlyServer(error: unknown): boolean {
  return isMysqlError(error) && READ_ONLY_SERVER.has(error.errno ?? 0);
}

/**
 * Recognizes the errors of mysql2, of the server or of the connection. If the server has closed a connection, the next
 * command on it fails with an error that has neither number nor code, but is `fatal`.
 */
export function isMysqlError(error: unknown): error is Error & MysqlError {
  return error instanceof Error && ('errno' in error || 'code' in error || 'fatal' in error);
}

const DUPLICATE_ENTRY = 1062;

export function isDuplicateEntry(error: unknown): boolean {
  return isMysqlError(error) && error.errno === DUPLICATE_ENTRY;
}

const MAX_MESSAGE_LENGTH = 1000;

/**
 * MySQL's message, cut to 1,000 characters. It may quote values of a row, so it belongs in dead letters and the ledger,
 * never in logs. The connection reads text as bytes, which are decoded here.
 */
export function messageOf(error: { readonly message: string }): string {
  return Buffer.from(error.message, 'latin1').toString('utf8').slice(0, MAX_MESSAGE_LENGTH);
}
