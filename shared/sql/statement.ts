import type { BinaryString } from '../binary-string.ts';
import { readDelete, readKnownUpdate, readUpdate, rememberUpdate } from './by-id-shape.ts';
import { endOfName, skipSpaces } from './characters.ts';
import { readInsert, readKnownInsert, rememberInsert } from './insert-shape.ts';
import { findRefusal } from './policy.ts';
import type { StatementShape } from './statement-shape.ts';

export type Judgment =
  | { readonly allowed: true; readonly shape: StatementShape }
  /** The reason is a sentence that quotes nothing of the statement except its verb. */
  | { readonly allowed: false; readonly reason: string };

/** The verbs, in upper case, that statements may begin with by default. */
export const DEFAULT_ALLOWED_STATEMENTS: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
]);

/**
 * Decides whether a statement may reach MySQL, and determines which rows it can touch.
 *
 * @param allowed the allowed verbs, in upper case
 */
export function judgeStatement(sql: BinaryString, allowed: Pick<ReadonlySet<string>, 'has'>): Judgment {
  const known = readKnownShape(sql, allowed);
  if (known !== undefined) return { allowed: true, shape: known };
  const verb = verbOf(sql);
  if (verb === undefined || !allowed.has(verb)) return { allowed: false, reason: verbRefusal(sql, verb) };
  const reason = findRefusal(sql);
  if (reason !== undefined) return { allowed: false, reason };
  const shape = readShape(sql, verb) ?? { kind: 'other', verb };
  remember(sql, shape);
  return { allowed: true, shape };
}

/** The shape of a statement that has a head that was allowed before, followed by plain values. */
function readKnownShape(
  sql: BinaryString,
  allowed: Pick<ReadonlySet<string>, 'has'>,
): StatementShape | undefined {
  if (isInitial(sql, 'I')) return allowed.has('INSERT') ? readKnownInsert(sql) : undefined;
  return isInitial(sql, 'U') && allowed.has('UPDATE') ? readKnownUpdate(sql) : undefined;
}

function isInitial(sql: BinaryString, letter: string): boolean {
  return sql.charCodeAt(0) === letter.charCodeAt(0);
}

function remember(sql: BinaryString, { kind }: StatementShape): void {
  if (kind === 'insert') rememberInsert(sql);
  else if (kind === 'update') rememberUpdate(sql);
}

function verbOf(sql: BinaryString): string | undefined {
  const start = skipSpaces(sql, 0);
  const verb = sql.slice(start, endOfName(sql, start)).toUpperCase();
  return /^[A-Z]{1,20}$/.test(verb) ? verb : undefined;
}

function verbRefusal(sql: BinaryString, verb: string | undefined): string {
  if (verb !== undefined) return `${verb} is not among the allowed statements`;
  return skipSpaces(sql, 0) === sql.length ? 'An empty statement' : 'Does not begin with a statement';
}

function readShape(sql: BinaryString, verb: string): StatementShape | undefined {
  switch (verb) {
    case 'INSERT':
      return readInsert(sql);
    case 'UPDATE':
      return readUpdate(sql);
    case 'DELETE':
      return readDelete(sql);
    default:
      return undefined;
  }
}
