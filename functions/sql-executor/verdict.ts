import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { classifyError, isMysqlError, messageOf } from './error-classes.ts';

interface StatementError {
  readonly errno: number;
  readonly message: string;
}

/** `deferred`: it is judged once all earlier statements of the pool are done. */
export function verdictOn(item: BatchItem, error: StatementError): ItemResult | 'deferred' {
  if (!item.final && classifyError(error) === 'deferrable') return 'deferred';
  return { status: 'failed', code: String(error.errno), message: messageOf(error) };
}

/** For a session that stands these are the statement's own: it names a database that is not there, or not for us. */
const DATABASE_OF_STATEMENT = new Set([1044, 1049]);

/** The statement was answered by the server and is itself at fault, so only it was undone. */
export function isStatementError(error: unknown): error is StatementError {
  if (!isMysqlError(error) || error.errno === undefined) return false;
  const errorClass = classifyError(error);
  return errorClass === 'permanent' || errorClass === 'deferrable' || DATABASE_OF_STATEMENT.has(error.errno);
}
