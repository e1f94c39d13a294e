import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import { classifyError, isMysqlError, messageOf } from './error-classes.ts';

interface JudgedError {
  readonly errno: number;
  readonly message: string;
}

/** `too-early`: it is judged once all earlier statements of the pool are done. */
export function judge(item: BatchItem, error: JudgedError): ItemResult | 'too-early' {
  if (!item.final && classifyError(error) === 'deferrable') return 'too-early';
  return { status: 'failed', code: String(error.errno), message: messageOf(error) };
}

/** For a session that stands these are the statement's own: it names a database that is not there, or not for us. */
const DATABASE_OF_STATEMENT = new Set([1044, 1049]);

/** The statement was answered by the server and is itself at fault, so only it was undone. */
export function isJudged(error: unknown): error is JudgedError {
  if (!isMysqlError(error) || error.errno === undefined) return false;
  const errorClass = classifyError(error);
  return errorClass === 'permanent' || errorClass === 'deferrable' || DATABASE_OF_STATEMENT.has(error.errno);
}
