import { type SqlToken, tokenize } from './sql-tokens.ts';

const ALLOWED_VERBS = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);
const REFUSED_WORDS = new Set(['OUTFILE', 'DUMPFILE', 'LOAD_FILE']);

/** Returns true if the policy allows the consumer to send the statement to MySQL. */
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

/** The table that a statement writes to, if it has one of the forms that BeeORM generates. */
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

/** The literal in the column `ID` of each row of `INSERT INTO t(columns) VALUES (…),(…)`; `undefined` without one. */
export function insertedIdLiterals(sql: string): (string | undefined)[] {
  const [columns = [], ...rows] = parenthesizedLists(tokenize(sql));
  const idIndex = columns.findIndex((name) => name.replaceAll('`', '') === 'ID');
  return rows.map((values) => values[idIndex]);
}

/** The top-level lists in parentheses, each split at its commas. */
function parenthesizedLists(tokens: readonly SqlToken[]): string[][] {
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
