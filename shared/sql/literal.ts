import type { BinaryString } from '../binary-string.ts';
import { CHARACTER, endOfName, isDigit, isNameCharacter } from './characters.ts';
import { endOfQuoted } from './quoted.ts';

/** Words that are values in an INSERT. They may differ by row, as DEFAULT does, but not depend on other rows. */
const LITERAL_WORDS: ReadonlySet<string> = new Set(['NULL', 'DEFAULT', 'TRUE', 'FALSE']);

/**
 * The end of the plain literal at `start`: a number, a string (also with a prefix: `x'41'`, `b'01'`, `N'…'`,
 * `_utf8'…'`), `0x41`, `0b01`, NULL, DEFAULT, TRUE, FALSE. -1 if there is something else.
 */
export function endOfLiteral(sql: BinaryString, start: number): number {
  const code = sql.charCodeAt(start);
  if (code === CHARACTER.singleQuote || code === CHARACTER.doubleQuote) return endOfQuoted(sql, start);
  if (isDigit(code) || code === CHARACTER.dot || code === CHARACTER.minus || code === CHARACTER.plus)
    return endOfNumber(sql, start);
  return isNameCharacter(code) ? endOfWordLiteral(sql, start) : -1;
}

/** The prefix is lower case, because `0X41` is a name. */
const RADIX_NUMBER = /0(?:x[0-9A-Fa-f]+|b[01]+)/y;
const DECIMAL_NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;

function endOfNumber(sql: BinaryString, start: number): number {
  let digitsEnd = start;
  while (isDigit(sql.charCodeAt(digitsEnd))) digitsEnd++;
  // Most numbers are only digits and need no regular expression.
  if (digitsEnd > start && !continuesNumber(sql.charCodeAt(digitsEnd))) return digitsEnd;
  const end = endOfMatch(RADIX_NUMBER, sql, start) ?? endOfMatch(DECIMAL_NUMBER, sql, start) ?? -1;
  return continuesNumber(sql.charCodeAt(end)) ? -1 : end;
}

/** `5a` is a name, and `1.2.3` is not a literal. */
function continuesNumber(code: number): boolean {
  return isNameCharacter(code) || code === CHARACTER.dot;
}

const BIT_STRING = /(?:x'(?:[0-9a-f]{2})*'|b'[01]*')/iy;

function endOfWordLiteral(sql: BinaryString, start: number): number {
  const end = endOfName(sql, start);
  const next = sql.charCodeAt(end);
  const isCharset = sql.charCodeAt(start) === CHARACTER.underscore;
  if (next !== CHARACTER.singleQuote && !(isCharset && next === CHARACTER.doubleQuote))
    return LITERAL_WORDS.has(sql.slice(start, end).toUpperCase()) ? end : -1;
  if (isCharset || (end === start + 1 && (sql[start] === 'N' || sql[start] === 'n')))
    return endOfQuoted(sql, end);
  return endOfMatch(BIT_STRING, sql, start) ?? -1;
}

function endOfMatch(pattern: RegExp, sql: BinaryString, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : undefined;
}
