import type { BatchItem, Deferral, ItemResult } from '../../shared/protocol.ts';
import { classifyError, isMysqlError, type MysqlError, messageOf, waitOf } from './error-classes.ts';

/** A server error that is the fault of one statement; InnoDB has undone only that statement. */
interface StatementError {
  readonly errno: number;
  readonly message: string;
}

/**
 * The result of an item that failed with `error`.
 *
 * @returns `early` if earlier statements of the pool may still be running and could be the cause (a duplicate key or a
 *   foreign key). The item has no result then: the poller sends it again once those statements are done.
 */
export function verdictOn(item: BatchItem, error: StatementError): ItemResult | 'early' {
  if (!item.final && classifyError(error) === 'dependent') return 'early';
  return { status: 'failed', code: String(error.errno), message: messageOf(error) };
}

/**
 * "Access denied for user to database" and "Unknown database". Once a session is set up, they blame the statement: it
 * names a database that does not exist or that the account has no access to.
 */
const DATABASE_ERRORS = new Set([1044, 1049]);

/** True if the server answered and blamed the statement, so that the transaction can continue without it. */
export function isStatementError(error: unknown): error is StatementError {
  if (!isMysqlError(error) || error.errno === undefined) return false;
  const errorClass = classifyError(error);
  return errorClass === 'permanent' || errorClass === 'dependent' || DATABASE_ERRORS.has(error.errno);
}

/** True if the server refused a statement; false for a lost connection, a shutdown and a deadlock. */
export function isServerError(error: unknown): error is Error & MysqlError {
  return isMysqlError(error) && classifyError(error) !== 'transient';
}

/** An item cannot run now, and the others of its batch can: nothing of the batch is applied yet. */
export class DeferredItemError extends Error {
  override readonly name = 'DeferredItemError';
  /** The item's index in the batch. */
  readonly index: number;
  readonly deferral: Deferral;

  constructor(index: number, deferral: Deferral) {
    super(`item ${index} is deferred`);
    this.index = index;
    this.deferral = deferral;
  }
}

/** The batch cannot run as one transaction, and its items may: nothing of it is applied yet. */
export class SplitError extends Error {
  override readonly name = 'SplitError';
  readonly into: 'halves' | 'singles';

  constructor(into: 'halves' | 'singles') {
    super(`the batch must be run in ${into}`);
    this.into = into;
  }
}

/**
 * What a statement's error that does not blame the statement means for its batch.
 *
 * @param index of the item that failed
 * @param batchItems how many items the batch has
 * @returns `error` itself if it concerns more than the batch
 */
export function interpretError(error: unknown, index: number, batchItems: number): unknown {
  if (!isMysqlError(error)) return error;
  const errorClass = classifyError(error);
  if (errorClass === 'transient') return error;
  if (errorClass === 'oversized' && batchItems > 1) return new SplitError('halves');
  return new DeferredItemError(index, toDeferral(error));
}

function toDeferral(error: MysqlError & { readonly message: string }): Deferral {
  const waitsFor = waitOf(error);
  const deferral = { code: String(error.errno ?? error.code), message: messageOf(error) };
  return waitsFor === undefined ? deferral : { ...deferral, waitsFor };
}
