import { ascii, type BinaryString, textToBinary } from '../../shared/binary-string.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { isMysqlError, SESSION_SET_UP_CODE } from './error-classes.ts';
import { type MysqlSession, toBytes } from './session.ts';
import type { TableLinks } from './table-links.ts';

/** The server ends a session that has been silent for this long, and with it the locks of an executor that vanished. */
const WAIT_TIMEOUT_SECONDS = 15;
const LOCK_WAIT_SECONDS = 5;

/** What a session was found to be set to. */
export interface SessionFacts {
  /** The server's own number of the session; behind RDS Proxy another than the one in the connection's handshake. */
  readonly connectionId: string;
  /** `auto_increment_increment`: the distance of two rows' ids in one multi-row insert. */
  readonly increment: number;
  /** Whether a wrong value is an error in a multi-row insert just as in a single one. */
  readonly isStrict: boolean;
  /** `max_allowed_packet` in bytes: no request may be longer. */
  readonly maxAllowedPacket: number;
  /** Of the database. Read when first asked for. */
  readonly tableLinks: (session: MysqlSession) => Promise<TableLinks>;
}

/** Parameters that go-sql-driver takes for itself; it sends every other one to the server as a system variable. */
const DRIVER_PARAMETERS = new Set(
  `allowallfiles allowcleartextpasswords allowfallbacktoplaintext allownativepasswords allowoldpasswords charset
  checkconnliveness clientfoundrows collation columnswithalias compress connectionattributes interpolateparams loc
  maxallowedpacket multistatements parsetime readtimeout rejectreadonly serverpubkey timeout timetruncate tls
  writetimeout`.split(/\s+/),
);

/** In these a byte of a character may be a quote or a backslash: the statement policy would read other strings. */
const UNREADABLE_CHARSETS = /^(big5|cp932|gb18030|gb2312|gbk|sjis|ucs2|utf16|utf16le|utf32)$/i;

/** The application's own settings, as its Go driver would make them, and those that the ledger relies on. */
export function sessionSettings(mysql: MysqlPool): BinaryString {
  const wished = mysql.parameters.get('charset')?.split(',')[0] ?? 'utf8mb4';
  const charset = /^\w+$/.test(wished) && !UNREADABLE_CHARSETS.test(wished) ? wished : 'utf8mb4';
  const assignments = [...mysql.parameters]
    .filter(([name]) => !DRIVER_PARAMETERS.has(name.toLowerCase()) && /^\w+$/.test(name))
    .map(([name, value]) => `${name} = ${value}`);
  assignments.push(
    'autocommit = 0',
    `wait_timeout = ${WAIT_TIMEOUT_SECONDS}`,
    `innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
  );
  return textToBinary(`SET NAMES ${charset}, ${assignments.join(', ')}`);
}

/**
 * Modes in which a backslash or a double quote means something else than BeeORM means by it, and than the statement
 * policy reads; the combinations bring ANSI_QUOTES with them.
 */
const UNREADABLE_MODES = /^(ANSI|ANSI_QUOTES|DB2|MAXDB|MSSQL|NO_BACKSLASH_ESCAPES|ORACLE|POSTGRESQL)$/;

export async function setUpSession(
  session: MysqlSession,
  settings: BinaryString,
): Promise<Omit<SessionFacts, 'tableLinks'>> {
  await session.one(settings);
  const { rows } = await session.one(
    ascii(`SELECT CONNECTION_ID() AS id, @@auto_increment_increment AS increment, @@sql_mode AS mode,
      @@max_allowed_packet AS packet`),
  );
  const [row] = rows;
  const modes = toBytes(row?.['mode']).toString('latin1').split(',');
  const readable = modes.filter((mode) => !UNREADABLE_MODES.test(mode));
  if (readable.length < modes.length) await session.one(ascii(`SET sql_mode = '${readable.join(',')}'`));
  return {
    connectionId: toBytes(row?.['id'] ?? '').toString('latin1'),
    increment: Number(row?.['increment'] ?? 1),
    isStrict: readable.some((mode) => mode.startsWith('STRICT_')),
    maxAllowedPacket: Number(row?.['packet'] ?? 1 << 20),
  };
}

/** MySQL's numbers for a system variable or character set that it doesn't know, or not with this value. */
const REFUSED_SETTING = new Set([1115, 1193, 1229, 1231, 1232, 1238, 1273]);

/** A setting that is refused once is refused each time: the DSN's parameters are to blame, no statement. */
export function asSetUpError(error: unknown): unknown {
  if (!isMysqlError(error) || !REFUSED_SETTING.has(error.errno ?? 0)) return error;
  return Object.assign(new Error(`a parameter of the DSN is refused: ${error.message}`), {
    code: SESSION_SET_UP_CODE,
  });
}
