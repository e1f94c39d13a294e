import type { BinaryString } from '../binary-string.ts';
import { CHARACTER } from './characters.ts';

/**
 * The end of a string or quoted name.
 *
 * Reads as the server does: the executor's sessions have neither ANSI_QUOTES (so `"` quotes strings) nor
 * NO_BACKSLASH_ESCAPES in their sql_mode, and their character set is utf8mb4, in which no part of a longer character
 * looks like a quote or a backslash. In other modes, a string would end elsewhere than here.
 *
 * @param start offset of the opening quote: `'`, `"` or a backtick
 * @returns the offset after the closing one; -1 where there is none
 */
export function endOfQuoted(sql: BinaryString, start: number): number {
  const quote = sql.charAt(start);
  const hasEscapes = quote !== '`';
  let from = start + 1;
  // Looked for natively: character by character it took longer than all other reading of SQL.
  let close = sql.indexOf(quote, from);
  while (close !== -1) {
    const backslash = hasEscapes ? sql.slice(from, close).indexOf('\\') : -1;
    if (backslash !== -1) from += backslash + 2;
    else if (sql.charAt(close + 1) === quote)
      from = close + 2; // doubled: stands for itself
    else return close + 1;
    // Only where it is passed: looked for anew after each of many escapes, it would take time in the square of their number.
    if (from > close) close = sql.indexOf(quote, from);
  }
  return -1;
}

export function isQuote(code: number): boolean {
  return code === CHARACTER.singleQuote || code === CHARACTER.doubleQuote || code === CHARACTER.backtick;
}
