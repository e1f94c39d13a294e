import type { BinaryString } from '../binary-string.ts';
import type { LogValue } from './log-value.ts';

/** The INSERT of one log row. All rows of a table have the same text up to `VALUES `, so that they can be grouped. */
export function logRowInsert(_log: LogValue, _entityId: bigint): BinaryString {
  throw new Error('not written yet');
}
