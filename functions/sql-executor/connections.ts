import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import { ascii, type BinaryString } from '../../shared/binary-string.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { isMysqlError, isReadOnlyServer } from './error-classes.ts';
import { DeadlinePassedError, MysqlSession } from './session.ts';
import { type SessionFacts, sessionSettings, setUpSession } from './session-set-up.ts';
import { KnownTableLinks } from './table-links.ts';
import { sslOptions } from './tls.ts';

const SECOND_MS = 1000;

/**
 * Shorter than the session's `wait_timeout`, so that no request is sent on a connection that the server has just
 * closed.
 */
const IDLE_CONNECTION_MS = 10 * SECOND_MS;
const CONNECT_TIMEOUT_MS = 5 * SECOND_MS;
const CLOSE_TIMEOUT_MS = 500;

/** mysql2's code for a server that doesn't support TLS. */
const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT';

/** The connections to one MySQL pool. */
export class Connections {
  readonly #mysql: MysqlPool;
  readonly #limit: number;
  #pool: Pool;
  /** TLS is only preferred, and the server was found not to support it. */
  #isWithoutTls = false;
  readonly #settings: BinaryString;
  readonly #facts = new WeakMap<object, SessionFacts>();
  readonly #tableLinks = new KnownTableLinks();

  /** @param limit maximum number of connections */
  constructor(mysql: MysqlPool, limit: number) {
    this.#mysql = mysql;
    this.#limit = limit;
    this.#pool = this.#createPool();
    this.#settings = sessionSettings(mysql);
  }

  /**
   * Lends a connection to `task`. The connection returns to the pool only if its last transaction is known to have
   * ended; otherwise it is destroyed, and the server is asked to end its session, which releases its locks.
   *
   * @param deadline in milliseconds since 1970, for waiting for a connection and for each request of the session
   * @throws mysql2's error if no connection or session can be set up; DeadlinePassedError; everything that `task`
   *   throws
   */
  async use<Result>(
    deadline: number,
    task: (session: MysqlSession, facts: SessionFacts) => Promise<Result>,
  ): Promise<Result> {
    const { connection, pool } = await this.#acquire(deadline).catch((error: unknown) => {
      if (!this.#fallBackToNoTls(error)) throw error;
      return this.#acquire(deadline);
    });
    const session = new MysqlSession(connection, deadline);
    try {
      return await task(session, await this.#prepare(connection, session));
    } catch (error) {
      if (isReadOnlyServer(error)) this.#reconnect(pool);
      throw error;
    } finally {
      const isCurrent = pool === this.#pool;
      if (isCurrent && session.isReusable) connection.release();
      else if (isCurrent) this.#destroy(connection);
      else connection.destroy();
    }
  }

  /** Ends the connections, without waiting for a server that doesn't answer. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#pool.end(() => resolve()));
    await Promise.race([ended, sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  /**
   * mysql2 can only require TLS or do without it. The pool that is replaced has no connections, because it failed to
   * create one.
   */
  #fallBackToNoTls(error: unknown): boolean {
    if (this.#mysql.tls !== 'preferred' || !isMysqlError(error) || error.code !== NO_TLS) return false;
    if (this.#isWithoutTls) return true;
    this.#isWithoutTls = true;
    this.#pool = this.#createPool();
    return true;
  }

  /**
   * Replaces the connections after a failover: they still lead to the old server, which is a replica now. The next
   * request resolves the host name again.
   */
  #reconnect(pool: Pool): void {
    if (pool !== this.#pool) return;
    this.#pool = this.#createPool();
    pool.end(() => undefined);
  }

  #createPool(): Pool {
    return createPool(poolOptions(this.#mysql, this.#limit, this.#isWithoutTls));
  }

  #acquire(deadline: number): Promise<{ readonly connection: PoolConnection; readonly pool: Pool }> {
    const pool = this.#pool;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(
        () => {
          isLate = true;
          reject(new DeadlinePassedError('no connection to MySQL before the deadline'));
        },
        Math.max(0, deadline - Date.now()),
      );
      pool.getConnection((error, connection) => {
        clearTimeout(timer);
        if (error !== null) reject(error);
        else if (isLate) connection.release();
        else resolve({ connection, pool });
      });
    });
  }

  async #prepare(connection: PoolConnection, session: MysqlSession): Promise<SessionFacts> {
    const known = this.#facts.get(connection);
    if (known !== undefined) return known;
    const facts = { ...(await setUpSession(session, this.#settings)), tableLinks: this.#tableLinks };
    this.#facts.set(connection, facts);
    return facts;
  }

  #destroy(connection: PoolConnection): void {
    const facts = this.#facts.get(connection);
    connection.destroy();
    if (facts !== undefined) void this.#endSession(facts).catch(() => undefined);
  }

  /**
   * A server that is busy with a statement notices the closed socket only afterwards. Best effort: if this fails, the
   * locks are held no longer than wait_timeout and innodb_lock_wait_timeout allow.
   *
   * After a failover, this connection leads to another server, where the ID belongs to someone else's session: the
   * address tells them apart. The transaction keeps a proxy from sending KILL to a server other than the one it asked.
   */
  async #endSession({ connectionId, clientAddress }: SessionFacts): Promise<void> {
    if (!/^\d+$/.test(connectionId) || clientAddress === undefined) return;
    const deadline = Date.now() + CONNECT_TIMEOUT_MS;
    const { connection } = await this.#acquire(deadline);
    const session = new MysqlSession(connection, deadline);
    try {
      const [found] = await session.begin([
        ascii(`SELECT ID FROM information_schema.PROCESSLIST
          WHERE ID = ${connectionId} AND HOST = '${clientAddress}'`),
      ]);
      if (found?.rows.length === 1) await session.one(ascii(`KILL ${connectionId}`));
      await session.rollback();
    } finally {
      if (session.isReusable) connection.release();
      else connection.destroy();
    }
  }
}

function poolOptions(mysql: MysqlPool, limit: number, isWithoutTls: boolean): PoolOptions {
  const ssl = isWithoutTls ? undefined : sslOptions(mysql.tls);
  return {
    ...(mysql.socketPath === undefined
      ? { host: mysql.host, port: mysql.port }
      : { socketPath: mysql.socketPath }),
    user: mysql.user,
    password: mysql.password,
    database: mysql.database,
    ...(ssl === undefined ? {} : { ssl }),
    // Send each character of the SQL as one byte, because statements contain bytes that are not text. With
    // SESSION_TRACK, the driver would follow SET NAMES and encode them as UTF-8 a second time.
    charset: 'BINARY',
    flags: ['-SESSION_TRACK'],
    // Statements are complete: a question mark in them is not a placeholder, and scanning for placeholders takes time.
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
