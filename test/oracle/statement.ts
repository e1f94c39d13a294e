import { type SqlToken, tokenize } from './sql-tokens.ts';

const ALLOWED_VERBS = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);
const REFUSED_WORDS = new Set(['OUTFILE', 'DUMPFILE', 'LOAD_FILE']);

/** Whether the policy (design promise 9) lets a statement reach MySQL. */
export function isAllowedStatement(sql: string): boolean {
  const tokens = tokenize(sql);
  const refused = tokens.some(
    ({ kind, text }) =>
      kind === 'comment' ||
      kind === 'unterminated' ||
      (kind === 'sign' && text === ';') ||
      (kind === 'word' && REFUSED_WORDS.has(text.toUpperCase())),
  );
  return !refused && ALLOWED_VERBS.has(tokens[0]?.text.toUpperCase() ?? '');
}

/** The table that a statement of BeeORM's shapes writes to. */
export function tableOf(sql: string): string {
  const tokens = tokenize(sql);
  const target = tokens.find(
    ({ text }, index) => index > 0 && !['INTO', 'FROM'].includes(text.toUpperCase()),
  );
  return (target?.text ?? '').replaceAll('`', '');
}

export function isInsert(sql: string): boolean {
  return /^\s*(INSERT|REPLACE)\b/i.test(sql);
}

/** Of an `INSERT INTO t(columns) VALUES (…),(…)`: each row's literal in the column `ID`, or `undefined` for none. */
export function insertedIdLiterals(sql: string): (string | undefined)[] {
  const [columns = [], ...rows] = parenthesised(tokenize(sql));
  const idAt = columns.findIndex((name) => name.replaceAll('`', '') === 'ID');
  return rows.map((values) => values[idAt]);
}

/** The top-level lists in parentheses, each cut at its commas. */
function parenthesised(tokens: readonly SqlToken[]): string[][] {
  const lists: string[][] = [];
  let depth = 0;
  let items: string[] = [];
  for (const { kind, text } of tokens) {
    const sign = kind === 'sign' ? text : '';
    if (sign === '(' && depth++ === 0) items = [''];
    else if (sign === ')' && --depth === 0) lists.push(items);
    else if (sign === ',' && depth === 1) items.push('');
    else if (depth > 0) items.push((items.pop() ?? '') + text);
  }
  return lists;
}
