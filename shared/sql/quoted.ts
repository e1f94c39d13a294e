import type { BinaryString } from '../binary-string.ts';
import { CHARACTER } from './characters.ts';

/**
 * The end of a string or quoted name, as the server parses it. This requires that the executor's sessions have neither
 * ANSI_QUOTES (so that `"` quotes strings) nor NO_BACKSLASH_ESCAPES in their sql_mode, and use utf8mb4, in which no
 * byte of a multi-byte character looks like a quote or a backslash. In other modes, the string would end in a different
 * place.
 *
 * @param start offset of the opening quote: `'`, `"` or a backtick
 * @returns the offset after the closing quote; -1 if there is none
 */
export function endOfQuoted(sql: BinaryString, start: number): number {
  const quote = sql.charAt(start);
  const hasEscapes = quote !== '`';
  let from = start + 1;
  // Use the native search: a loop over characters took longer than all other parsing of SQL.
  let close = sql.indexOf(quote, from);
  while (close !== -1) {
    const backslash = hasEscapes ? sql.slice(from, close).indexOf('\\') : -1;
    if (backslash !== -1) from += backslash + 2;
    else if (sql.charAt(close + 1) === quote)
      from = close + 2; // a doubled quote is part of the string
    else return close + 1;
    // Search again only past the last quote: after every escape, it would take quadratic time.
    if (from > close) close = sql.indexOf(quote, from);
  }
  return -1;
}

export function isQuote(code: number): boolean {
  return code === CHARACTER.singleQuote || code === CHARACTER.doubleQuote || code === CHARACTER.backtick;
}
