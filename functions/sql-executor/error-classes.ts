/**
 * What a MySQL error means for the statement that failed with it, and for its transaction.
 *
 * - `permanent`: the statement itself is at fault and would fail the same way again. InnoDB undoes only this statement;
 *   the transaction continues. These are all server errors that no list below contains, such as 1054 (unknown column),
 *   1064 (syntax error), 1142 (the account lacks a privilege on the table), 1146 (no such table), 1264 (value out of
 *   range), 1366 (bytes outside the column's character set), 1406 (value too long) and 3140 (invalid JSON text).
 * - `deferrable`: a duplicate key or a foreign key. It is permanent only once every earlier statement of the pool is
 *   done: one that is still running may free the key or insert the parent row.
 * - `transient`: the server, the network or another transaction is at fault. The whole transaction is rolled back and
 *   run again later, for as long as it takes; it never becomes a dead letter.
 * - `configuration`: the account or the database is at fault, so every statement would fail. No statement is blamed,
 *   and nothing is retried until an operator changes something.
 *
 * Source: the server and client error references of MySQL and MariaDB.
 */
export type ErrorClass = 'permanent' | 'deferrable' | 'transient' | 'configuration';

const DEFERRABLE = new Map<number, string>([
  [1062, 'duplicate entry for a unique key'],
  [1169, 'duplicate entry for a unique key, found while writing'],
  [1216, 'foreign key: no parent row (older servers)'],
  [1217, 'foreign key: child rows exist (older servers)'],
  [1451, 'foreign key: child rows exist'],
  [1452, 'foreign key: no parent row'],
  [1557, 'foreign key: an ON UPDATE would duplicate an entry of the child'],
  [1586, 'duplicate entry for a named key'],
  [1761, 'foreign key: a cascade would duplicate an entry (child key known)'],
  [1762, 'foreign key: a cascade would duplicate an entry (child key unknown)'],
]);

const TRANSIENT = new Map<number, string>([
  [1020, 'the row changed since it was read (MariaDB, snapshot isolation)'],
  [1021, 'disk full'],
  [1030, 'storage engine error, such as a full tablespace'],
  [1037, 'out of memory'],
  [1038, 'out of sort memory'],
  [1040, 'too many connections'],
  [1041, 'out of resources'],
  [1042, 'the server cannot resolve this host right now'],
  [1043, 'bad handshake: the server went away while connecting'],
  [1047, 'the node is not ready (Galera), or does not know the command'],
  [1053, 'server is shutting down'],
  [1077, 'server shut down normally'],
  [1079, 'server is aborting'],
  [1080, 'server closes this connection'],
  [1081, 'the server cannot create a socket'],
  [1114, 'the table is full: disk or tablespace limit'],
  [1129, 'this host is blocked after too many broken connections'],
  [1135, 'the server cannot create a thread'],
  [1152, 'connection aborted'],
  [1156, 'packets out of order: the connection is broken'],
  [1158, 'error reading from the network'],
  [1159, 'timeout reading from the network'],
  [1160, 'error writing to the network'],
  [1161, 'timeout writing to the network'],
  [1180, 'error during COMMIT'],
  [1181, 'error during ROLLBACK'],
  [1184, 'connection aborted'],
  [1203, 'the account has too many connections'],
  [1205, 'lock wait timed out'],
  [1206, 'the lock table is full'],
  [1213, 'deadlock victim'],
  [1223, 'a global read lock is held'],
  [1226, "the account's hourly resource limit is reached"],
  [1290, 'read-only server, during a failover (--read-only, --super-read-only)'],
  [1317, 'query interrupted by KILL or shutdown'],
  [1402, 'XA: rolled back'],
  [1412, 'the table definition changed under the transaction'],
  [1613, 'XA: rolled back, took too long'],
  [1614, 'XA: rolled back, deadlock'],
  [1637, 'too many active transactions'],
  [1689, 'wait on a table lock aborted by a pending ALTER'],
  [1792, 'read-only transaction, on a replica during a failover'],
  [1836, 'server runs in read-only mode'],
  [1878, 'temporary file write failure'],
  [1927, 'connection was killed'],
  [1969, 'max_statement_time exceeded (MariaDB)'],
  [2002, 'cannot connect through the socket'],
  [2003, 'cannot connect'],
  [2006, 'server has gone away'],
  [2013, 'connection lost during the query'],
  [2014, 'commands out of sync: the connection is broken'],
  [2055, 'connection lost'],
  [3024, 'max_execution_time exceeded'],
  [3058, 'deadlock on a user-level lock'],
  [3101, 'the replication group rolled the transaction back'],
  [3100, 'the replication group could not run the COMMIT hook'],
  [3168, 'the server is not ready: it is starting or leaving its group'],
  [3170, 'memory limit of the session reached'],
  [3572, 'a lock was not available immediately (NOWAIT)'],
  [4031, 'the server closed an idle connection'],
]);

const CONFIGURATION = new Map<number, string>([
  [1044, 'the account has no access to this database'],
  [1045, 'wrong user or password'],
  [1049, 'no such database'],
  [1130, 'this host is not allowed to connect'],
  [1251, "this client does not support the server's authentication method"],
  [1275, 'the account uses an outdated password format'],
  [1524, 'the authentication plugin is not loaded'],
  [1698, 'access denied: the account has no password login'],
  [1820, 'the password has expired and must be changed'],
  [1862, 'the password has expired'],
  [3118, 'the account is locked'],
  [3159, 'the server requires TLS (require_secure_transport)'],
  [4151, 'the account is locked (MariaDB)'],
]);

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
}

/** @returns `transient` for an error without a server error number, unless its code says that it will not go away */
export function classifyError(error: MysqlError): ErrorClass {
  if (error.code !== undefined && CONFIGURATION_CODES.has(error.code)) return 'configuration';
  const number = error.errno ?? 0;
  if (number <= 0 || TRANSIENT.has(number)) return 'transient';
  if (DEFERRABLE.has(number)) return 'deferrable';
  if (CONFIGURATION.has(number)) return 'configuration';
  return 'permanent';
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
