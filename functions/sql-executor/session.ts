import type { PoolConnection, QueryOptions } from 'mysql2';
import { ascii, type BinaryString, bytesToBinary } from '../../shared/binary-string.ts';
import type { MysqlError } from './error-classes.ts';

const START_TRANSACTION = ascii('START TRANSACTION');
const COMMIT = ascii('COMMIT');
const ROLLBACK = ascii('ROLLBACK');

/** The result of one statement: what it changed, or the rows that it read. */
export interface StatementResult {
  /** 0 for a statement that reads rows. */
  readonly affectedRows: number;
  /** The first auto-increment ID that the statement generated, in digits; '0' if it generated none. */
  readonly insertId: string;
  /** By column name. Empty for a statement that changes rows. */
  readonly rows: readonly Record<string, unknown>[];
}

/** How far a request came. */
export interface UntilFailure {
  /** The results of the statements before the first that failed. */
  readonly results: readonly StatementResult[];
  /** mysql2's error of the first statement that failed; undefined if none did. */
  readonly error: unknown;
}

/** The deadline passed before the server answered. The connection was dropped, and an open transaction with it. */
export class DeadlinePassedError extends Error implements MysqlError {
  override readonly name = 'DeadlinePassedError';
  readonly code = 'deadline';
}

/** The server sent more or fewer results than there were statements: the text of one of them is not one statement. */
export class ResultCountError extends Error {
  override readonly name = 'ResultCountError';
}

/**
 * One connection for the duration of one executor request. Its states, and the getters that depend on them:
 *
 * - *idle*: no transaction is open. The connection may return to the pool (`isReusable`).
 * - *open*: a transaction may be open on the server, from the moment that START TRANSACTION is sent (`canRollBack`).
 *   If the connection returned to the pool in this state, the next COMMIT on it would commit the leftovers. A successful
 *   ROLLBACK makes it idle again.
 * - *committing*: COMMIT was sent and is not confirmed (`hasUnknownOutcome`). The confirmation makes it idle again,
 *   and so does a ROLLBACK that succeeds after the server has refused the COMMIT.
 * - *broken*: the deadline passed or a fatal error occurred, in any of the states above. The connection is unusable;
 *   this is final, and doesn't clear *open* or *committing*.
 *
 * Statements and values are BinaryStrings: the driver sends each character as one byte.
 */
export class MysqlSession {
  readonly #connection: PoolConnection;
  readonly #deadline: number;
  #transactionMayBeOpen = false;
  #broken = false;
  #committing = false;

  /** @param deadline when the server must have answered, in milliseconds since 1970 */
  constructor(connection: PoolConnection, deadline: number) {
    this.#connection = connection;
    this.#deadline = deadline;
  }

  get isReusable(): boolean {
    return !this.#broken && !this.#transactionMayBeOpen;
  }

  /** A COMMIT was sent, and the server has neither confirmed nor refused it: it may have taken effect. */
  get hasUnknownOutcome(): boolean {
    return this.#committing;
  }

  /** A transaction may be open, and the connection still works. */
  get canRollBack(): boolean {
    return this.#transactionMayBeOpen && !this.#broken;
  }

  /** Begins a transaction and runs the statements in it, all in one request. Rejects like {@link many}. */
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
    this.#committing = false;
  }

  /** Runs one statement. Rejects like {@link many}. */
  async one(statement: BinaryString): Promise<StatementResult> {
    const [result] = await this.many([statement]);
    if (result === undefined) throw new ResultCountError('one statement returned no result');
    return result;
  }

  /**
   * Sends the statements in one request.
   *
   * @param onResult called when a result arrives, also if a later statement fails
   * @returns one result for each statement
   * @throws mysql2's error of the first statement that fails, in which case those after it did not run;
   *   DeadlinePassedError; ResultCountError
   */
  async many(statements: readonly BinaryString[], onResult?: () => void): Promise<StatementResult[]> {
    const { result, fields } = await this.#query({ sql: statements.join(';') }, onResult);
    const results = toResults(result, fields);
    if (results.length !== statements.length)
      throw new ResultCountError(`${statements.length} statements returned ${results.length} results`);
    return results;
  }

  /** Begins a transaction and runs the statements in it like {@link untilFailure}, all in one request. */
  async beginUntilFailure(statements: readonly BinaryString[]): Promise<UntilFailure> {
    this.#transactionMayBeOpen = true;
    const { results, error } = await this.untilFailure([START_TRANSACTION, ...statements]);
    return { results: results.slice(1), error };
  }

  /**
   * Sends the statements in one request, and reports how far it came instead of rejecting. Only for statements that
   * return one result each and read no rows.
   *
   * @throws ResultCountError if no statement failed and the number of results is wrong
   */
  async untilFailure(statements: readonly BinaryString[]): Promise<UntilFailure> {
    const results: StatementResult[] = [];
    const onResult = (result: StatementResult) => results.push(result);
    try {
      await this.#query({ sql: statements.join(';') }, onResult);
    } catch (error) {
      return { results, error };
    }
    if (results.length !== statements.length)
      throw new ResultCountError(`${statements.length} statements returned ${results.length} results`);
    return { results, error: undefined };
  }

  /**
   * Reads rows in a separate read-only transaction, in one request.
   *
   * @returns the values of each row in the order of the columns, as the bytes that the server sent; null for NULL
   */
  async read(select: BinaryString): Promise<(BinaryString | null)[][]> {
    this.#transactionMayBeOpen = true;
    const sql = `START TRANSACTION READ ONLY;${select};ROLLBACK`;
    const { result } = await this.#query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() });
    this.#transactionMayBeOpen = false;
    const rows: unknown = Array.isArray(result) ? result[1] : undefined;
    return (Array.isArray(rows) ? rows : []).map((row: unknown[]) => row.map(toBinary));
  }

  #query(
    options: QueryOptions,
    onResult?: (result: StatementResult) => void,
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
      // mysql2 reports the results before an error only one by one, as they arrive.
      if (onResult !== undefined) query.on('result', (result) => onResult(toResult(result)));
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

function isChangeResult(value: unknown): value is { affectedRows: number; insertId: number | string } {
  return typeof value === 'object' && value !== null && 'affectedRows' in value;
}

/**
 * mysql2 returns a single result as such, and several results as an array. A single result that reads rows is an array
 * too: its `fields` are column descriptions, whereas the `fields` of several results are arrays or undefined.
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
  if (isChangeResult(result))
    return { affectedRows: result.affectedRows, insertId: unsigned(result.insertId), rows: NO_ROWS };
  return { affectedRows: 0, insertId: '0', rows: Array.isArray(result) ? result : [] };
}

const NO_ROWS: StatementResult['rows'] = [];

/** mysql2 reads IDs as signed 64-bit integers; MySQL's are unsigned. */
function unsigned(id: number | string): string {
  return typeof id === 'number' && id >= 0 ? String(id) : BigInt.asUintN(64, BigInt(id)).toString();
}
