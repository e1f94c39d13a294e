import type { ErrorReply, ExecutorReply, ExecutorRequest, SqlExecutor } from '../../shared/protocol.ts';
import type { MysqlPool } from '../../shared/registry/types.ts';
import { BatchTransaction, type ExecutorFailpoint } from './batch-transaction.ts';
import { Connections } from './connections.ts';
import {
  classifyError,
  isMysqlError,
  type MysqlError,
  messageOf,
  SESSION_SET_UP_CODE,
} from './error-classes.ts';
import { openEpoch, peekFence, pruneBatches, readPage, voidBatch } from './ledger.ts';
import { LedgerSql } from './ledger-sql.ts';
import type { MysqlSession } from './session.ts';
import { type SessionFacts, setLockWait } from './session-set-up.ts';
import { readColumns, readRows } from './table-rows.ts';
import { isCertificateError } from './tls.ts';

export interface MysqlExecutorOptions {
  readonly mysqlPools: ReadonlyMap<string, MysqlPool>;
  readonly ledgerDatabase: string;
  /** Maximum number of connections to each MySQL pool. */
  readonly connectionLimit: number;
  readonly failpoint?: ExecutorFailpoint;
}

const CERTIFICATE_STEP =
  'Correct the host name or the certificate of the server. If the certificate is from a private authority, set NODE_EXTRA_CA_CERTS to the path of the certificate of the authority (PEM) and start again.';

/** mysql2's code for a login that it doesn't support, such as MariaDB's `ed25519` and `gssapi`. */
const UNKNOWN_LOGIN = 'AUTH_SWITCH_PLUGIN_ERROR';

/** MySQL's numbers for a missing privilege on a database, table, column, operation or routine. */
const ACCESS_DENIED = new Set([1044, 1142, 1143, 1227, 1370]);

/** Executes the poller's requests on the MySQL pools of the registry, in the same process as its caller. */
export class MysqlExecutor implements SqlExecutor {
  readonly #options: MysqlExecutorOptions;
  readonly #ledgerSql: LedgerSql;
  readonly #connections = new Map<string, Connections>();

  constructor(options: MysqlExecutorOptions) {
    this.#options = options;
    this.#ledgerSql = new LedgerSql(options.ledgerDatabase);
  }

  /** Never rejects. If MySQL fails, the reply is an error that says whether anything may have been applied. */
  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    const mysql = this.#options.mysqlPools.get(request.pool);
    if (mysql === undefined)
      return configurationError('unknown-pool', `the registry has no MySQL pool '${request.pool}'`);
    let isOutcomeUnknown = false;
    try {
      return await this.#connectionsOf(mysql).use(request.deadline, async (session, facts) => {
        try {
          return await this.#dispatch(request, session, facts);
        } catch (error) {
          isOutcomeUnknown = session.hasUnknownOutcome;
          if (!isOutcomeUnknown && session.canRollBack) await session.rollback().catch(() => undefined);
          throw error;
        }
      });
    } catch (error) {
      return this.#toErrorReply(request, error, isOutcomeUnknown);
    }
  }

  /** Ends all connections, without waiting for a server that doesn't answer. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connections) => connections.close()));
  }

  async #dispatch(
    request: ExecutorRequest,
    session: MysqlSession,
    facts: SessionFacts,
  ): Promise<ExecutorReply> {
    switch (request.operation) {
      case 'batch': {
        await setLockWait(session, facts, request.lockWaitSeconds);
        const failpoint = this.#options.failpoint ?? (() => undefined);
        return new BatchTransaction(session, facts, this.#ledgerSql, request, failpoint).run();
      }
      case 'peek':
        return peekFence(session, this.#ledgerSql, request);
      case 'open':
        return openEpoch(session, facts, this.#ledgerSql, request);
      case 'page':
        return readPage(session, this.#ledgerSql, request);
      case 'void':
        return voidBatch(session, this.#ledgerSql, request);
      case 'prune':
        return pruneBatches(session, this.#ledgerSql, request);
      case 'columns':
        return readColumns(session, request.table);
      case 'rows':
        return readRows(session, request);
    }
  }

  #connectionsOf(mysql: MysqlPool): Connections {
    const known = this.#connections.get(mysql.code);
    if (known !== undefined) return known;
    const connections = new Connections(mysql, this.#options.connectionLimit);
    this.#connections.set(mysql.code, connections);
    return connections;
  }

  #toErrorReply(request: ExecutorRequest, error: unknown, isOutcomeUnknown: boolean): ErrorReply {
    if (!isMysqlError(error))
      return configurationError('internal', error instanceof Error ? error.message : String(error));
    const code = String(error.errno !== undefined && error.errno > 0 ? error.errno : (error.code ?? 'mysql'));
    if (isOutcomeUnknown) return { status: 'error', kind: 'unknown', code, message: messageOf(error) };
    if (isCertificateError(error)) return configurationError(code, messageOf(error), CERTIFICATE_STEP);
    const errorClass = classifyError(error);
    if (request.operation === 'rows' || request.operation === 'columns') {
      // The statement is this project's own, so an error means that the table or the account's privileges are wrong.
      const isConfiguration =
        errorClass === 'configuration' || errorClass === 'permanent' || errorClass === 'dependent';
      const kind = isConfiguration ? 'configuration' : 'transient';
      return { status: 'error', kind, code, message: messageOf(error) };
    }
    if (request.operation !== 'batch' && ACCESS_DENIED.has(error.errno ?? 0)) {
      const user = this.#options.mysqlPools.get(request.pool)?.user ?? '';
      const message = `the account cannot create or use the ledger database '${this.#ledgerSql.database}'`;
      return configurationError(
        code,
        message,
        `As an administrator, run: ${this.#ledgerSql.manualCreation(user)}`,
      );
    }
    if (errorClass === 'configuration')
      return configurationError(code, messageOf(error), nextStepFor(request.pool, error));
    return { status: 'error', kind: 'transient', code, message: messageOf(error) };
  }
}

function nextStepFor(pool: string, { errno, code }: MysqlError): string {
  if (code === SESSION_SET_UP_CODE)
    return `Correct the parameters in the DSN of MySQL pool '${pool}'. A text needs quotes, such as sql_mode=%27TRADITIONAL%27.`;
  if (errno === 1044 || errno === 1049)
    return `Correct the database of MySQL pool '${pool}' in the registry, or create it.`;
  if (code === UNKNOWN_LOGIN)
    return `Give the user of MySQL pool '${pool}' one of the logins that this consumer supports: mysql_native_password, caching_sha2_password or sha256_password. For MariaDB: ALTER USER … IDENTIFIED VIA mysql_native_password USING PASSWORD('…').`;
  return `Correct the user or password of MySQL pool '${pool}' in the registry.`;
}

function configurationError(code: string, message: string, nextStep?: string): ErrorReply {
  const error: ErrorReply = { status: 'error', kind: 'configuration', code, message };
  return nextStep === undefined ? error : { ...error, nextStep };
}
