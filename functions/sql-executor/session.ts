import type { PoolConnection, QueryOptions } from 'mysql2';
import { ascii, type BinaryString, bytesToBinary } from '../../shared/binary-string.ts';
import type { MysqlError } from './error-classes.ts';

const START_TRANSACTION = ascii('START TRANSACTION');
const COMMIT = ascii('COMMIT');
const ROLLBACK = ascii('ROLLBACK');

/** The reply to one statement: what it changed, or the rows that it read. */
export interface StatementResult {
  readonly affectedRows: number;
  readonly insertId: string;
  readonly rows: readonly Record<string, unknown>[];
}

/** How far a request came: `error` is that of the statement after the last result. */
export interface UntilFailure {
  readonly results: readonly StatementResult[];
  readonly error: unknown;
}

/** The deadline passed before the server answered; the connection is gone and with it an open transaction. */
export class DeadlinePassedError extends Error implements MysqlError {
  override readonly name = 'DeadlinePassedError';
  readonly code = 'deadline';
}

/** The server sent more or fewer results than there were statements: one of them swallowed or added to its neighbours. */
export class ResultCountError extends Error {
  override readonly name = 'ResultCountError';
}

/**
 * One connection for the length of one request. It knows whether a transaction may be open on the server: such a
 * connection must not go back to the pool, where the next COMMIT would make the remains of this transaction permanent.
 */
export class MysqlSession {
  readonly #connection: PoolConnection;
  readonly #deadline: number;
  #transactionMayBeOpen = false;
  #broken = false;
  #committing = false;

  /** `deadline` in milliseconds since 1970. */
  constructor(connection: PoolConnection, deadline: number) {
    this.#connection = connection;
    this.#deadline = deadline;
  }

  get isReusable(): boolean {
    return !this.#broken && !this.#transactionMayBeOpen;
  }

  /** A COMMIT was sent and not confirmed: whether it took effect can't be known here. */
  get hasUnknownOutcome(): boolean {
    return this.#committing;
  }

  /** A transaction may be open, and the connection can still be told to undo it. */
  get canRollBack(): boolean {
    return this.#transactionMayBeOpen && !this.#broken;
  }

  /** Begins a transaction and runs the statements in it, all in one request. */
  async begin(statements: readonly BinaryString[]): Promise<StatementResult[]> {
    this.#transactionMayBeOpen = true;
    const [, ...results] = await this.many([START_TRANSACTION, ...statements]);
    return results;
  }

  async commit(): Promise<void> {
    this.#committing = true;
    await this.one(COMMIT);
    this.#committing = false;
    this.#transactionMayBeOpen = false;
  }

  async rollback(): Promise<void> {
    await this.one(ROLLBACK);
    this.#transactionMayBeOpen = false;
  }

  async one(statement: BinaryString): Promise<StatementResult> {
    const [result] = await this.many([statement]);
    if (result === undefined) throw new ResultCountError('a statement gave no result');
    return result;
  }

  /** Sends the statements in one request. Rejects with mysql2's error of the first that fails; the rest did not run. */
  async many(statements: readonly BinaryString[]): Promise<StatementResult[]> {
    const results = await this.#send(statements.join(';'));
    if (results.length !== statements.length)
      throw new ResultCountError(`${statements.length} statements gave ${results.length} results`);
    return results;
  }

  /** Like `begin`, up to the first statement that fails. */
  async beginUntilFailure(statements: readonly BinaryString[]): Promise<UntilFailure> {
    this.#transactionMayBeOpen = true;
    const { results, error } = await this.untilFailure([START_TRANSACTION, ...statements]);
    return { results: results.slice(1), error };
  }

  /**
   * Sends the statements in one request, and tells how far it came: the results of those before the first that fails, and
   * mysql2's error of that one. Only for statements that give one result each and read no rows.
   */
  async untilFailure(statements: readonly BinaryString[]): Promise<UntilFailure> {
    const headers: StatementResult[] = [];
    const onHeader = (header: StatementResult) => headers.push(header);
    try {
      await this.#query({ sql: statements.join(';') }, onHeader);
    } catch (error) {
      return { results: headers, error };
    }
    if (headers.length !== statements.length)
      throw new ResultCountError(`${statements.length} statements gave ${headers.length} results`);
    return { results: headers, error: undefined };
  }

  /**
   * Reads rows in a read-only transaction of their own, in one request: each value as the bytes that the server sent, in
   * the order of the columns.
   */
  async read(select: BinaryString): Promise<(BinaryString | null)[][]> {
    this.#transactionMayBeOpen = true;
    const sql = `START TRANSACTION READ ONLY;${select};ROLLBACK`;
    const { result } = await this.#query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() });
    this.#transactionMayBeOpen = false;
    const rows: unknown = Array.isArray(result) ? result[1] : undefined;
    return (Array.isArray(rows) ? rows : []).map((row: unknown[]) => row.map(toBinary));
  }

  async #send(sql: string): Promise<StatementResult[]> {
    const { result, fields } = await this.#query({ sql });
    return toResults(result, fields);
  }

  #query(
    options: QueryOptions,
    onHeader?: (header: StatementResult) => void,
  ): Promise<{ result: unknown; fields: unknown }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#broken = true;
          this.#connection.destroy();
          reject(new DeadlinePassedError('MySQL did not answer before the deadline'));
        },
        Math.max(0, this.#deadline - Date.now()),
      );
      const query = this.#connection.query(options, (error, result, fields) => {
        clearTimeout(timer);
        if (error === null) resolve({ result, fields });
        else {
          if (error.fatal === true) this.#broken = true;
          reject(error);
        }
      });
      // mysql2 hands out the results before an error only one by one, as they come.
      if (onHeader !== undefined) query.on('result', (result) => onHeader(toResult(result)));
    });
  }
}

/** The bytes of a VARBINARY or BLOB column. */
export function toBytes(value: unknown): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'latin1');
}

function toBinary(value: unknown): BinaryString | null {
  return Buffer.isBuffer(value) ? bytesToBinary(value) : null;
}

function isHeader(value: unknown): value is { affectedRows: number; insertId: number | string } {
  return typeof value === 'object' && value !== null && 'affectedRows' in value;
}

/**
 * mysql2 hands out a single result as it is, and several as an array of results. A single one that reads rows is an
 * array too: its `fields` are column descriptions, where those of several results are arrays or undefined.
 */
function toResults(result: unknown, fields: unknown): StatementResult[] {
  if (!Array.isArray(result)) return [toResult(result)];
  const isSingle = Array.isArray(fields) && fields.length > 0 && fields.every(isColumn);
  return isSingle ? [toResult(result)] : result.map(toResult);
}

function isColumn(field: unknown): boolean {
  return typeof field === 'object' && field !== null && !Array.isArray(field);
}

function toResult(result: unknown): StatementResult {
  if (isHeader(result))
    return { affectedRows: result.affectedRows, insertId: unsigned(result.insertId), rows: NO_ROWS };
  return { affectedRows: 0, insertId: '0', rows: Array.isArray(result) ? result : [] };
}

const NO_ROWS: StatementResult['rows'] = [];

/** mysql2 reads ids as signed; MySQL's reach the full 64 bits. */
function unsigned(id: number | string): string {
  return typeof id === 'number' && id >= 0 ? String(id) : BigInt.asUintN(64, BigInt(id)).toString();
}
