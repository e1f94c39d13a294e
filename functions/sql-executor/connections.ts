import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import type { BinaryString } from '../../shared/binary-string.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { toBytes } from './ledger.ts';
import { DeadlinePassedError, Session } from './session.ts';
import { sslOptions } from './tls.ts';

const SECOND_MS = 1000;

/**
 * The server ends a session that has been silent for this long, and with it the locks of an executor that vanished.
 * Idle connections are closed earlier from here, so that no request meets one that the server has just closed.
 */
const WAIT_TIMEOUT_SECONDS = 15;
const IDLE_CONNECTION_MS = 10 * SECOND_MS;
const LOCK_WAIT_SECONDS = 5;
const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
const CLOSE_TIMEOUT_MS = 500;

/** What a session was found to be set to. */
export interface SessionFacts {
  /** `auto_increment_increment`: the distance of two rows' ids in one multi-row insert. */
  readonly increment: number;
  /** Whether a wrong value is an error in a multi-row insert just as in a single one. */
  readonly isStrict: boolean;
  /** `max_allowed_packet` in bytes: no request may be longer. */
  readonly maxAllowedPacket: number;
}

/** The connections to one MySQL pool. */
export class Connections {
  readonly #pool: Pool;
  readonly #setUp: string;
  readonly #facts = new WeakMap<object, SessionFacts>();

  constructor(mysql: MysqlPool, limit: number) {
    this.#pool = createPool(poolOptions(mysql, limit));
    this.#setUp = sessionSetUp(mysql);
  }

  /**
   * Lends a connection for the length of `work`. Only one whose last transaction was seen to end goes back to the pool;
   * any other is destroyed, and the server is told to end its session, locks and all.
   */
  async use<Result>(
    deadline: number,
    work: (session: Session, facts: SessionFacts) => Promise<Result>,
  ): Promise<Result> {
    const connection = await this.#acquire(deadline);
    const session = new Session(connection, deadline);
    try {
      return await work(session, await this.#prepare(connection, session));
    } finally {
      if (session.isReusable) connection.release();
      else this.#destroy(connection);
    }
  }

  /** Ends the connections, without waiting for a server that doesn't answer. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#pool.end(() => resolve()));
    await Promise.race([ended, sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  #acquire(deadline: number): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(
        () => {
          isLate = true;
          reject(new DeadlinePassedError('MySQL let nobody in before the deadline'));
        },
        Math.max(0, deadline - Date.now()),
      );
      this.#pool.getConnection((error, connection) => {
        clearTimeout(timer);
        if (error !== null) reject(error);
        else if (isLate) connection.release();
        else resolve(connection);
      });
    });
  }

  async #prepare(connection: PoolConnection, session: Session): Promise<SessionFacts> {
    const known = this.#facts.get(connection);
    if (known !== undefined) return known;
    await session.one(this.#setUp as BinaryString);
    const { rows } = await session.one(
      'SELECT @@auto_increment_increment AS increment, @@sql_mode AS mode, @@max_allowed_packet AS packet' as BinaryString,
    );
    const row = rows[0];
    const facts = {
      increment: Number(row?.['increment'] ?? 1),
      isStrict: toBytes(row?.['mode']).includes('STRICT_'),
      maxAllowedPacket: Number(row?.['packet'] ?? 1 << 20),
    };
    this.#facts.set(connection, facts);
    return facts;
  }

  #destroy(connection: PoolConnection): void {
    const { threadId } = connection;
    connection.destroy();
    // A server busy with a statement notices a closed socket only afterwards. Best effort: without it, wait_timeout and
    // the lock wait bound how long the locks stay.
    this.#pool.query(`KILL ${threadId}`, () => undefined);
  }
}

function poolOptions(mysql: MysqlPool, limit: number): PoolOptions {
  const ssl = sslOptions(mysql.tls);
  return {
    ...(mysql.socketPath === undefined
      ? { host: mysql.host, port: mysql.port }
      : { socketPath: mysql.socketPath }),
    user: mysql.user,
    password: mysql.password,
    database: mysql.database,
    ...(ssl === undefined ? {} : { ssl }),
    // Each character of the SQL is sent as one byte: statements hold bytes that are not text. SESSION_TRACK would let
    // the driver follow SET NAMES and encode them as UTF-8 a second time.
    charset: 'BINARY',
    flags: ['-SESSION_TRACK'],
    // Statements come complete: a question mark in one is no placeholder, and looking for them costs time.
    queryFormat: (sql: string) => sql,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    connectionLimit: limit,
    maxIdle: limit,
    idleTimeout: IDLE_CONNECTION_MS,
    enableKeepAlive: true,
  };
}

/** Parameters that go-sql-driver takes for itself; it sends every other one to the server as a system variable. */
const DRIVER_PARAMETERS = new Set(
  `allowallfiles allowcleartextpasswords allowfallbacktoplaintext allownativepasswords allowoldpasswords charset
  checkconnliveness clientfoundrows collation columnswithalias compress connectionattributes interpolateparams loc
  maxallowedpacket multistatements parsetime readtimeout rejectreadonly serverpubkey timeout timetruncate tls
  writetimeout`.split(/\s+/),
);

function sessionSetUp(mysql: MysqlPool): string {
  const charset = mysql.parameters.get('charset')?.split(',')[0] ?? 'utf8mb4';
  const assignments = [...mysql.parameters]
    .filter(([name]) => !DRIVER_PARAMETERS.has(name.toLowerCase()) && /^\w+$/.test(name))
    .map(([name, value]) => `${name} = ${value}`);
  assignments.push(
    // BeeORM escapes with backslashes and quotes strings with either quote; the statement policy reads them so.
    "sql_mode = REPLACE(REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''), 'ANSI_QUOTES', '')",
    'autocommit = 0',
    `wait_timeout = ${WAIT_TIMEOUT_SECONDS}`,
    `innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
  );
  return `SET NAMES ${/^\w+$/.test(charset) ? charset : 'utf8mb4'}, ${assignments.join(', ')}`;
}
