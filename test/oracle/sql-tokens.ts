/** One token of a statement. The text of a `string` or a `name` includes its quotes. */
export type SqlToken = {
  readonly kind: 'word' | 'string' | 'name' | 'sign' | 'comment' | 'unterminated';
  readonly text: string;
};

/** White space as MySQL sees it. `\s` would also match the byte A0. */
const SPACE = /[ \t\n\v\f\r]/;
const WORD = /[\w$.\x80-\xff]/;

/** Splits a statement (one character per byte) into tokens, as MySQL does in its default SQL mode. */
export function tokenize(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    const token = tokenAt(sql, at);
    if (token === undefined) at += 1;
    else {
      tokens.push(token);
      at += token.text.length;
    }
  }
  return tokens;
}

function tokenAt(sql: string, at: number): SqlToken | undefined {
  const char = sql.charAt(at);
  if (SPACE.test(char)) return undefined;
  if (char === '"' || char === "'" || char === '`') return quotedAt(sql, at, char);
  if (startsComment(sql, at)) return { kind: 'comment', text: sql.slice(at) };
  let end = at;
  while (WORD.test(sql.charAt(end))) end += 1;
  return end > at ? { kind: 'word', text: sql.slice(at, end) } : { kind: 'sign', text: char };
}

/** A backslash escapes in strings but not in names. A doubled quote is one quote in both. */
function quotedAt(sql: string, start: number, quote: string): SqlToken {
  let at = start + 1;
  while (at < sql.length) {
    if (sql.charAt(at) === '\\' && quote !== '`') at += 2;
    else if (sql.charAt(at) !== quote) at += 1;
    else if (sql.charAt(at + 1) === quote) at += 2;
    else return { kind: quote === '`' ? 'name' : 'string', text: sql.slice(start, at + 1) };
  }
  return { kind: 'unterminated', text: sql.slice(start) };
}

function startsComment(sql: string, at: number): boolean {
  if (sql.charAt(at) === '#' || sql.startsWith('/*', at)) return true;
  if (!sql.startsWith('--', at)) return false;
  return at + 2 === sql.length || sql.charAt(at + 2) <= ' ';
}
