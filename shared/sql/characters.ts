import type { BinaryString } from '../binary-string.ts';

/** Codes of the SQL characters that the scanner distinguishes. */
export const CHARACTER = {
  nul: 0x00,
  space: 0x20,
  doubleQuote: 0x22,
  hash: 0x23,
  dollar: 0x24,
  singleQuote: 0x27,
  open: 0x28,
  close: 0x29,
  asterisk: 0x2a,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  slash: 0x2f,
  zero: 0x30,
  semicolon: 0x3b,
  equals: 0x3d,
  backslash: 0x5c,
  underscore: 0x5f,
  backtick: 0x60,
  delete: 0x7f,
} as const;

/** The whitespace of MySQL: tab, line feed, vertical tab, form feed, carriage return, space. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/*
 * The loops read the length of a string once, in advance. V8 has more internal string types than its inline caches can
 * hold, so reading the length for each character took longer than everything else.
 */

/** The characters of an unquoted name: letters, digits, `_`, `$`, and every byte of a non-ASCII character. */
const NAME_CHARACTERS = new Uint8Array(256).map((_, code) =>
  /[0-9A-Za-z_$\x80-\xff]/.test(String.fromCharCode(code)) ? 1 : 0,
);

export function isNameCharacter(code: number): boolean {
  return NAME_CHARACTERS[code] === 1;
}

/** The offset after the name characters that begin at `start`. */
export function endOfName(sql: BinaryString, start: number): number {
  const { length } = sql;
  let end = start;
  while (end < length && isNameCharacter(sql.charCodeAt(end))) end++;
  return end;
}

/** The offset of the first character from `start` on that is not a space. */
export function skipSpaces(sql: BinaryString, start: number): number {
  const { length } = sql;
  let end = start;
  while (end < length && isSpace(sql.charCodeAt(end))) end++;
  return end;
}
