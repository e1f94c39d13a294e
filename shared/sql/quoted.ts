import type { BinaryString } from '../binary-string.ts';
import { character } from './characters.ts';

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
  const quote = sql.charCodeAt(start);
  const hasEscapes = quote !== character.backtick;
  const { length } = sql;
  for (let index = start + 1; index < length; index++) {
    const code = sql.charCodeAt(index);
    if (code === quote) {
      if (sql.charCodeAt(index + 1) !== quote) {
        return index + 1;
      }
      index++; // doubled: stands for itself
    } else if (code === character.backslash && hasEscapes) {
      index++;
    }
  }
  return -1;
}

export function isQuote(code: number): boolean {
  return code === character.singleQuote || code === character.doubleQuote || code === character.backtick;
}
