import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import type { BinaryString } from '../../shared/binary-string.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { isMysqlError } from './error-classes.ts';
import { DeadlinePassedError, MysqlSession } from './session.ts';
import { asSetUpError, type SessionFacts, sessionSettings, setUpSession } from './session-set-up.ts';
import { readTableLinks, type TableLinks } from './table-links.ts';
import { sslOptions } from './tls.ts';

const SECOND_MS = 1000;

/** Earlier than the server ends a silent session, so that no request meets one that it has just closed. */
const IDLE_CONNECTION_MS = 10 * SECOND_MS;
const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
const CLOSE_TIMEOUT_MS = 500;

/** The driver's code for a server that doesn't speak TLS. */
const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT';

/** The connections to one MySQL pool. */
export class Connections {
  readonly #mysql: MysqlPool;
  readonly #limit: number;
  #pool: Pool;
  /** Whether the server was found to have no TLS, where that was only preferred. */
  #isPlain = false;
  readonly #settings: BinaryString;
  readonly #facts = new WeakMap<object, SessionFacts>();
  #knownLinks: TableLinks | undefined;
  readonly #tableLinks = async (session: MysqlSession): Promise<TableLinks> => {
    this.#knownLinks ??= await readTableLinks(session);
    return this.#knownLinks;
  };

  constructor(mysql: MysqlPool, limit: number) {
    this.#mysql = mysql;
    this.#limit = limit;
    this.#pool = createPool(poolOptions(mysql, limit));
    this.#settings = sessionSettings(mysql);
  }

  /**
   * Lends a connection for the length of `work`. Only one whose last transaction was seen to end goes back to the pool;
   * any other is destroyed, and the server is told to end its session, locks and all.
   */
  async use<Result>(
    deadline: number,
    work: (session: MysqlSession, facts: SessionFacts) => Promise<Result>,
  ): Promise<Result> {
    const connection = await this.#acquire(deadline).catch((error: unknown) => {
      if (!this.#mayBePlain(error)) throw error;
      return this.#acquire(deadline);
    });
    const session = new MysqlSession(connection, deadline);
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

  /** The driver takes TLS or leaves it. The pool that is given up has no connection: it could not make one. */
  #mayBePlain(error: unknown): boolean {
    const { tls, ...withoutTls } = this.#mysql;
    if (tls !== 'preferred' || !isMysqlError(error) || error.code !== NO_TLS) return false;
    if (!this.#isPlain) this.#pool = createPool(poolOptions(withoutTls, this.#limit));
    this.#isPlain = true;
    return true;
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

  async #prepare(connection: PoolConnection, session: MysqlSession): Promise<SessionFacts> {
    const known = this.#facts.get(connection);
    if (known !== undefined) return known;
    try {
      const known = await setUpSession(session, this.#settings);
      const facts = { ...known, tableLinks: this.#tableLinks };
      this.#facts.set(connection, facts);
      return facts;
    } catch (error) {
      throw asSetUpError(error);
    }
  }

  #destroy(connection: PoolConnection): void {
    const id = this.#facts.get(connection)?.connectionId ?? '';
    connection.destroy();
    if (!/^\d+$/.test(id)) return;
    // A server busy with a statement notices a closed socket only afterwards. Best effort: without it, wait_timeout and
    // the lock wait bound how long the locks stay.
    this.#pool.query(`KILL ${id}`, () => undefined);
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
