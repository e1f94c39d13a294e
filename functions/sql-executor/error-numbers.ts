/*
 * MySQL's and MariaDB's error numbers and SQLSTATEs by what they mean for a statement. `ErrorClass` describes the classes.
 *
 * Source: the server and client error references of MySQL and MariaDB.
 */

/**
 * Classes of SQLSTATE that blame the statement: 01 warning that strict mode turns into an error, 02 no data, 0A not
 * supported, 20 CASE without a match, 21 cardinality, 22 data, 23 constraint, 3D no database selected, 42 syntax or
 * access, 44 WITH CHECK OPTION, 45 signaled by a trigger or a procedure.
 */
export const PERMANENT_STATES = new Set(['01', '02', '0A', '20', '21', '22', '23', '3D', '42', '44', '45']);

/** Errors of the statement that the server reports with the SQLSTATE HY000, which says nothing. */
export const PERMANENT = new Map<number, string>([
  [1093, 'the table that is updated is also read'],
  [1111, 'invalid use of a group function'],
  [1210, 'incorrect arguments'],
  [1221, 'incorrect usage'],
  [1265, 'data truncated'],
  [1267, 'illegal mix of collations'],
  [1270, 'illegal mix of collations'],
  [1271, 'illegal mix of collations'],
  [1288, 'the view cannot be updated'],
  [1292, 'incorrect value'],
  [1300, 'invalid character string'],
  [1348, 'the column of a view cannot be updated'],
  [1356, 'the view refers to something that does not exist'],
  [1362, 'a trigger changes a row that it must not change'],
  [1364, 'no value for a column without a default'],
  [1366, 'incorrect value for the column'],
  [1369, 'WITH CHECK OPTION failed'],
  [1393, 'a view of several tables is modified'],
  [1394, 'an insert into a view of several tables lacks a list of columns'],
  [1395, 'rows of a view of several tables cannot be deleted'],
  [1411, 'incorrect value for a function'],
  [1422, 'a trigger or function commits'],
  [1442, 'a trigger changes the table of its own statement'],
  [1471, 'nothing can be inserted into the view'],
  [1525, 'incorrect value'],
  [1526, 'no partition for the value'],
  [1748, 'the row does not belong to the partition'],
  [1906, 'a value for a generated column (MariaDB)'],
  [3105, 'a value for a generated column (MySQL)'],
  [3140, 'invalid JSON text'],
  [3819, 'CHECK constraint'],
  [4025, 'CHECK constraint (MariaDB)'],
]);

/** What a statement waits for, as it is written in messages: "the statement …". */
export const NOT_NOW = new Map<number, string>([
  [1015, 'waits for a lock on a file'],
  [1016, 'cannot open a file'],
  [1021, 'waits for disk space'],
  [1023, 'waits for the storage engine'],
  [1024, 'waits for the storage engine'],
  [1026, 'cannot write a file'],
  [1030, 'waits for the storage engine'],
  [1034, 'waits for the storage engine'],
  [1036, 'finds the table read-only'],
  [1037, 'waits for memory'],
  [1038, 'waits for memory to sort'],
  [1041, 'waits for memory'],
  [1099, 'waits for a table lock'],
  [1100, 'waits for a table lock'],
  [1114, 'finds the table full'],
  [1194, 'finds the table damaged'],
  [1195, 'finds the table damaged'],
  [1205, 'waits for a lock'],
  [1317, 'was interrupted'],
  [1461, 'exceeds max_prepared_stmt_count'],
  [1615, 'must be prepared again'],
  [1689, 'waits for a table lock'],
  [1812, 'finds the tablespace missing'],
  [1814, 'finds the tablespace discarded'],
  [1878, 'cannot write a temporary file'],
  [1969, 'exceeds max_statement_time'],
  [3024, 'exceeds max_execution_time'],
  [3170, 'exceeds a memory limit of the session'],
  [3572, 'waits for a lock'],
  [3989, 'finds the database read-only'],
  [4092, 'exceeds a memory limit of the session'],
]);

/** Errors that the size of a transaction or of a request can cause. */
export const OVERSIZED = new Map<number, string>([
  [1153, 'exceeds max_allowed_packet'],
  [1197, 'exceeds max_binlog_cache_size'],
  [1206, 'exceeds the memory for locks'],
  [1534, 'exceeds what the binary log can write'],
]);

export const DEPENDENT = new Map<number, string>([
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

export const TRANSIENT = new Map<number, string>([
  [1020, 'the row changed since it was read (MariaDB, snapshot isolation)'],
  [1040, 'too many connections'],
  [1042, 'the server cannot resolve this host right now'],
  [1043, 'bad handshake: the server went away while connecting'],
  [1047, 'the node is not ready (Galera), or does not know the command'],
  [1053, 'server is shutting down'],
  [1077, 'server shut down normally'],
  [1079, 'server is aborting'],
  [1080, 'server closes this connection'],
  [1081, 'the server cannot create a socket'],
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
  [1213, 'deadlock victim'],
  [1223, 'a global read lock is held'],
  [1226, "the account's hourly resource limit is reached"],
  [1290, 'read-only server, during a failover (--read-only, --super-read-only)'],
  [1402, 'XA: rolled back'],
  [1412, 'the table definition changed under the transaction'],
  [1613, 'XA: rolled back, took too long'],
  [1614, 'XA: rolled back, deadlock'],
  [1637, 'too many active transactions'],
  [1792, 'read-only transaction, on a replica during a failover'],
  [1836, 'server runs in read-only mode'],
  [1927, 'connection was killed'],
  [2002, 'cannot connect through the socket'],
  [2003, 'cannot connect'],
  [2006, 'server has gone away'],
  [2013, 'connection lost during the query'],
  [2014, 'commands out of sync: the connection is broken'],
  [2055, 'connection lost'],
  [3058, 'deadlock on a user-level lock'],
  [3101, 'the replication group rolled the transaction back'],
  [3100, 'the replication group could not run the COMMIT hook'],
  [3168, 'the server is not ready: it is starting or leaving its group'],
  [4031, 'the server closed an idle connection'],
]);

export const CONFIGURATION = new Map<number, string>([
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
