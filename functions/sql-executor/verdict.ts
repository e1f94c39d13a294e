import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { classifyError, isMysqlError, messageOf } from './error-classes.ts';

/** A server error that is the fault of one statement; InnoDB has undone only that statement. */
interface StatementError {
  readonly errno: number;
  readonly message: string;
}

/**
 * The result of an item that failed with `error`.
 *
 * @returns `deferred` if earlier statements of the pool may still be running and could be the cause (a duplicate key or
 *   a foreign key). The item has no result then: the poller sends it again once those statements are done.
 */
export function verdictOn(item: BatchItem, error: StatementError): ItemResult | 'deferred' {
  if (!item.final && classifyError(error) === 'deferrable') return 'deferred';
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
  return errorClass === 'permanent' || errorClass === 'deferrable' || DATABASE_ERRORS.has(error.errno);
}
