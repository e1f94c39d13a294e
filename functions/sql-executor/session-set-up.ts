import { ascii, type BinaryString, textToBinary } from '../../shared/binary-string.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { isMysqlError, SESSION_SET_UP_CODE } from './error-classes.ts';
import { type MysqlSession, toBytes } from './session.ts';
import type { KnownTableLinks } from './table-links.ts';

/** The server ends a session that has been idle for this long. That releases the locks of an executor that has died. */
const WAIT_TIMEOUT_SECONDS = 15;

/** How long a statement waits for the lock of a row, and for a table that another session locks or alters. */
const LOCK_WAIT_SECONDS = 5;

/** Settings of a session, as the server reports them. */
export interface SessionFacts {
  /**
   * The server's ID of the session, in digits. Behind RDS Proxy it differs from the ID in the connection's handshake.
   */
  readonly connectionId: string;
  /**
   * The client's address and port as the server sees them. Together with the ID they identify the session on any server.
   * Undefined if the server reports no port, such as for a socket.
   */
  readonly clientAddress: string | undefined;
  /** `auto_increment_increment`: the distance between the IDs of adjacent rows of a multi-row insert. */
  readonly increment: number;
  /** True if a wrong value fails a multi-row insert just as it fails an insert of one row. */
  readonly isStrict: boolean;
  /** `max_allowed_packet` in bytes: the maximum length of a request. */
  readonly maxAllowedPacket: number;
  /** How long a statement waits for a lock now. */
  readonly lockWait: { seconds: number };
  /** The table links of the pool's database. */
  readonly tableLinks: KnownTableLinks;
}

/** Parameters that go-sql-driver handles itself. It sends every other parameter to the server as a system variable. */
const DRIVER_PARAMETERS = new Set(
  `allowallfiles allowcleartextpasswords allowfallbacktoplaintext allownativepasswords allowoldpasswords charset
  checkconnliveness clientfoundrows collation columnswithalias compress connectionattributes interpolateparams loc
  maxallowedpacket multistatements parsetime readtimeout rejectreadonly serverpubkey timeout timetruncate tls
  writetimeout`.split(/\s+/),
);

/**
 * In these, a byte of a character can be a quote or a backslash, so that a string would end where the policy doesn't
 * see it.
 */
const UNREADABLE_CHARSETS = /^(big5|cp932|gb18030|gb2312|gbk|sjis|ucs2|utf16|utf16le|utf32)$/i;

/**
 * The SQL that applies the settings of the application's DSN, as its Go driver would, and those that the ledger relies
 * on.
 */
export function sessionSettings(mysql: MysqlPool): BinaryString {
  const requested = mysql.parameters.get('charset')?.split(',')[0] ?? 'utf8mb4';
  const charset = /^\w+$/.test(requested) && !UNREADABLE_CHARSETS.test(requested) ? requested : 'utf8mb4';
  const assignments = [...mysql.parameters]
    .filter(([name]) => !DRIVER_PARAMETERS.has(name.toLowerCase()) && /^\w+$/.test(name))
    .map(([name, value]) => `${name} = ${value}`);
  assignments.push(
    'autocommit = 0',
    `wait_timeout = ${WAIT_TIMEOUT_SECONDS}`,
    ...lockWaitSettings(LOCK_WAIT_SECONDS),
  );
  return textToBinary(`SET NAMES ${charset}, ${assignments.join(', ')}`);
}

/**
 * SQL modes in which a backslash or a double quote has a different meaning from the one that BeeORM and the statement
 * policy assume. The combination modes, such as ORACLE, include ANSI_QUOTES.
 */
const UNREADABLE_MODES = /^(ANSI|ANSI_QUOTES|DB2|MAXDB|MSSQL|NO_BACKSLASH_ESCAPES|ORACLE|POSTGRESQL)$/;

/**
 * BeeORM has no rows with the ID 0: in its statements and events, 0 is the ID of a row that is yet to be inserted. With
 * this mode MySQL would create such a row, and the IDs of the other rows of the statement could not be computed.
 */
const ZERO_IS_AN_ID = 'NO_AUTO_VALUE_ON_ZERO';

/**
 * Applies `settings` and removes the SQL modes that this project cannot work with.
 *
 * @throws mysql2's error, with the code {@link SESSION_SET_UP_CODE} if a parameter of the DSN is wrong
 */
export async function setUpSession(
  session: MysqlSession,
  settings: BinaryString,
): Promise<Omit<SessionFacts, 'tableLinks'>> {
  await applySettings(session, settings);
  const { rows } = await session.one(
    ascii(`SELECT CONNECTION_ID() AS id, @@auto_increment_increment AS increment, @@sql_mode AS mode,
      @@max_allowed_packet AS packet`),
  );
  const [row] = rows;
  const modes = toBytes(row?.['mode']).toString('latin1').split(',');
  const readable = modes.filter((mode) => !UNREADABLE_MODES.test(mode) && mode !== ZERO_IS_AN_ID);
  if (readable.length < modes.length) await session.one(ascii(`SET sql_mode = '${readable.join(',')}'`));
  return {
    connectionId: toBytes(row?.['id'] ?? '').toString('latin1'),
    clientAddress: await readClientAddress(session),
    increment: Number(row?.['increment'] ?? 1),
    isStrict: readable.some((mode) => mode.startsWith('STRICT_')),
    maxAllowedPacket: Number(row?.['packet'] ?? 1 << 20),
    lockWait: { seconds: LOCK_WAIT_SECONDS },
  };
}

function lockWaitSettings(seconds: number): string[] {
  return [`innodb_lock_wait_timeout = ${seconds}`, `lock_wait_timeout = ${seconds}`];
}

/** Sets how long statements wait for a lock. Asks the server only if that changes. @throws mysql2's error */
export async function setLockWait(
  session: MysqlSession,
  { lockWait }: SessionFacts,
  seconds = LOCK_WAIT_SECONDS,
): Promise<void> {
  if (lockWait.seconds === seconds) return;
  await session.one(ascii(`SET ${lockWaitSettings(seconds).join(', ')}`));
  lockWait.seconds = seconds;
}

/** Best effort: the address is needed only to end the session of a connection that was dropped. */
async function readClientAddress(session: MysqlSession): Promise<string | undefined> {
  const select = ascii(
    'SELECT HOST AS address FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()',
  );
  const { rows } = await session.one(select).catch((error: unknown) => {
    if (!session.isReusable) throw error;
    return { rows: [] };
  });
  const address = toBytes(rows[0]?.['address'] ?? '').toString('latin1');
  return /^[\w.:[\]-]+:\d+$/.test(address) ? address : undefined;
}

/** MySQL's numbers for a server that stops, lacks memory, or ends the session: the settings are not to blame. */
const NOT_REJECTED = new Set([1021, 1037, 1038, 1041, 1053, 1077, 1079, 1080, 1152, 1317, 1927]);

/** MySQL rejects a wrong setting on every attempt, so it is a configuration error and retrying is useless. */
async function applySettings(session: MysqlSession, settings: BinaryString): Promise<void> {
  try {
    await session.one(settings);
  } catch (error) {
    // Without a number of the server, the connection is to blame.
    const number = isMysqlError(error) ? (error.errno ?? 0) : 0;
    if (!isMysqlError(error) || number <= 0 || NOT_REJECTED.has(number)) throw error;
    throw Object.assign(new Error(`MySQL rejects a parameter of the DSN: ${error.message}`), {
      code: SESSION_SET_UP_CODE,
    });
  }
}
