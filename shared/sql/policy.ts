import type { BinaryString } from '../binary-string.ts';
import { CHARACTER, endOfName, isDigit, isNameCharacter, skipSpaces } from './characters.ts';
import { endOfQuoted, isQuote } from './quoted.ts';

const FILE_FUNCTION = 'LOAD_FILE';

/** What the scan does at a character. A table, as most characters need no more than a look at it. */
const PASS = 0;
const NAME = 1;
const QUOTE = 2;
const SUSPECT = 3;
const ACTIONS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (isNameCharacter(code)) return NAME;
  return isQuote(code) ? QUOTE : ';#/-\\\0'.includes(String.fromCharCode(code)) ? SUSPECT : PASS;
});

/**
 * Why a statement must not reach MySQL, whatever its verb; undefined where nothing speaks against it. The reason says
 * what was found, and at which byte, but never repeats the statement.
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
        position === -1 ? 'A string or quoted name without an end' : refusedQuoted(sql, start, position);
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
      // Here it takes the quote after it out of MySQL's sight, but not out of this scanner's.
      return 'A backslash outside of strings';
    default:
      return undefined;
  }
}

/**
 * `--` begins a comment where a space, a control character or the end follows: `5--3` is 8. A byte beyond ASCII is
 * taken for a space too, as character sets differ in what they call one.
 */
function beginsDashComment(sql: BinaryString, position: number): boolean {
  if (sql.charCodeAt(position + 1) !== CHARACTER.minus) return false;
  const next = position + 2 < sql.length ? sql.charCodeAt(position + 2) : CHARACTER.nul;
  return next <= CHARACTER.space || next >= CHARACTER.delete;
}

function refusedWord(sql: BinaryString, start: number, end: number): string | undefined {
  const length = end - start;
  // Only words as long as those looked for are worth a copy.
  if (length >= 'OUTFILE'.length && length <= FILE_FUNCTION.length + 1) {
    const word = sql.slice(start, end);
    const upper = word.toUpperCase();
    if (upper === 'OUTFILE') return 'INTO OUTFILE';
    // Not reserved: a table may bear the name. As a clause, it is followed by the file's.
    if (upper === 'DUMPFILE' && isString(sql.charCodeAt(skipSpaces(sql, end)))) return 'INTO DUMPFILE';
    if (isFileFunction(word)) return FILE_FUNCTION;
  }
  return mayQuoteByDollars(sql, start, end) ? 'A text quoted by dollar signs' : undefined;
}

function isString(code: number): boolean {
  return code === CHARACTER.singleQuote || code === CHARACTER.doubleQuote;
}

/** A function may be called by its quoted name as well. */
function refusedQuoted(sql: BinaryString, start: number, end: number): string | undefined {
  const isCall =
    sql.charCodeAt(start) === CHARACTER.backtick &&
    end - start <= FILE_FUNCTION.length + 3 &&
    sql.charCodeAt(skipSpaces(sql, end)) === CHARACTER.open;
  return isCall && isFileFunction(sql.slice(start + 1, end - 1)) ? FILE_FUNCTION : undefined;
}

/** MySQL 8 looks functions up in lower case, and takes U+0130, a capital I with a dot (c4 b0 here), for an `i`. */
function isFileFunction(name: string): boolean {
  return name.replace('\xc4\xb0', 'I').toUpperCase() === FILE_FUNCTION;
}

/**
 * MySQL 8.1 and later read `$$…$$` and `$tag$…$tag$` as a text in which quotes mean nothing, where a token begins: at
 * the word's start, and after a number (`1.5$$`, `1.e5$$`), which ends before this scanner's word does.
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
