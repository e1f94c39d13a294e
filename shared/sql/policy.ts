import type { BinaryString } from '../binary-string.ts';
import { CHARACTER, endOfName, isDigit, isNameCharacter, skipSpaces } from './characters.ts';
import { endOfQuoted, isQuote } from './quoted.ts';

const FILE_FUNCTION = 'LOAD_FILE';

/** What the scan does at each character. A table is fastest, because most characters need no further check. */
const PASS = 0;
const NAME = 1;
const QUOTE = 2;
const SUSPECT = 3;
const ACTIONS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (isNameCharacter(code)) return NAME;
  return isQuote(code) ? QUOTE : ';#/-\\\0'.includes(String.fromCharCode(code)) ? SUSPECT : PASS;
});

/**
 * The reason why a statement must not reach MySQL, regardless of its verb; undefined if there is none. The reason says
 * what was found and at which byte, and never quotes the statement.
 */
export function findRefusal(sql: BinaryString): string | undefined {
  const { length } = sql;
  let position = 0;
  while (position < length) {
    const start = position++;
    const action = ACTIONS[sql.charCodeAt(start)];
    let refused: string | undefined;
    if (action === NAME) {
      position = endOfName(sql, position);
      refused = refusedWord(sql, start, position);
    } else if (action === QUOTE) {
      position = endOfQuoted(sql, start);
      refused =
        position === -1 ? 'An unterminated string or quoted name' : refusedQuoted(sql, start, position);
    } else if (action === SUSPECT) refused = refusedCharacter(sql, start);
    if (refused !== undefined) return `${refused} at byte ${start}`;
  }
  return undefined;
}

function refusedCharacter(sql: BinaryString, position: number): string | undefined {
  switch (sql.charCodeAt(position)) {
    case CHARACTER.semicolon:
      return 'A semicolon outside of strings';
    case CHARACTER.hash:
      return 'A comment (#)';
    case CHARACTER.slash:
      return sql.charCodeAt(position + 1) === CHARACTER.asterisk ? 'A comment (/*)' : undefined;
    case CHARACTER.minus:
      return beginsDashComment(sql, position) ? 'A comment (--)' : undefined;
    case CHARACTER.nul:
      return 'A NUL outside of strings';
    case CHARACTER.backslash:
      // Outside of strings, it escapes the quote after it for MySQL, but not for this scanner.
      return 'A backslash outside of strings';
    default:
      return undefined;
  }
}

/**
 * `--` begins a comment only before a space, a control character or the end: `5--3` is 8. A non-ASCII byte counts as a
 * space too, because character sets differ in their spaces.
 */
function beginsDashComment(sql: BinaryString, position: number): boolean {
  if (sql.charCodeAt(position + 1) !== CHARACTER.minus) return false;
  const next = position + 2 < sql.length ? sql.charCodeAt(position + 2) : CHARACTER.nul;
  return next <= CHARACTER.space || next >= CHARACTER.delete;
}

function refusedWord(sql: BinaryString, start: number, end: number): string | undefined {
  const length = end - start;
  // Copy only words of the right length.
  if (length >= 'OUTFILE'.length && length <= FILE_FUNCTION.length + 1) {
    const word = sql.slice(start, end);
    const upper = word.toUpperCase();
    if (upper === 'OUTFILE') return 'INTO OUTFILE';
    // Not a reserved word, so a table may have this name. The clause is followed by a file name.
    if (upper === 'DUMPFILE' && isString(sql.charCodeAt(skipSpaces(sql, end)))) return 'INTO DUMPFILE';
    if (isFileFunction(word)) return FILE_FUNCTION;
  }
  return mayQuoteByDollars(sql, start, end) ? 'A dollar-quoted string' : undefined;
}

function isString(code: number): boolean {
  return code === CHARACTER.singleQuote || code === CHARACTER.doubleQuote;
}

/** A function can be called by its quoted name too. */
function refusedQuoted(sql: BinaryString, start: number, end: number): string | undefined {
  const isCall =
    sql.charCodeAt(start) === CHARACTER.backtick &&
    end - start <= FILE_FUNCTION.length + 3 &&
    sql.charCodeAt(skipSpaces(sql, end)) === CHARACTER.open;
  return isCall && isFileFunction(sql.slice(start + 1, end - 1)) ? FILE_FUNCTION : undefined;
}

/** MySQL 8 looks up functions in lower case, and converts U+0130, a capital I with a dot (bytes c4 b0), to `i`. */
function isFileFunction(name: string): boolean {
  return name.replace('\xc4\xb0', 'I').toUpperCase() === FILE_FUNCTION;
}

/**
 * MySQL 8.1 and later parse `$$…$$` and `$tag$…$tag$` as strings in which quotes have no meaning, if they begin a
 * token: at the start of the word, or after a number (`1.5$$`, `1.e5$$`) that ends within the word of this scanner.
 */
function mayQuoteByDollars(sql: BinaryString, start: number, end: number): boolean {
  let dollars = 0;
  for (let position = start; position < end; position++)
    dollars += sql.charCodeAt(position) === CHARACTER.dollar ? 1 : 0;
  const first = sql.charCodeAt(start);
  return (
    dollars >= 2 &&
    (first === CHARACTER.dollar || isDigit(first) || sql.charCodeAt(start - 1) === CHARACTER.dot)
  );
}
