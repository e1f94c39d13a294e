import type { BinaryString } from '../binary-string.ts';
import { readDelete, readUpdate } from './by-id-shape.ts';
import { endOfName, skipSpaces } from './characters.ts';
import { readInsert } from './insert-shape.ts';
import { findRefusal } from './policy.ts';
import type { StatementShape } from './statement-shape.ts';

export type Judgement =
  | { readonly allowed: true; readonly shape: StatementShape }
  /** The reason is a sentence that holds nothing of the statement but its verb. */
  | { readonly allowed: false; readonly reason: string };

/** Verbs, in upper case, that a statement may begin with. */
export const defaultAllowedStatements: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
]);

/**
 * Judges whether a statement may reach MySQL, and tells which rows it can touch.
 *
 * @param allowed verbs in upper case
 */
export function judgeStatement(sql: BinaryString, allowed: Pick<ReadonlySet<string>, 'has'>): Judgement {
  const verb = verbOf(sql);
  if (verb === undefined || !allowed.has(verb)) {
    return { allowed: false, reason: verbRefusal(sql, verb) };
  }
  const reason = findRefusal(sql);
  return reason === undefined ? { allowed: true, shape: shapeOf(sql, verb) } : { allowed: false, reason };
}

function verbOf(sql: BinaryString): string | undefined {
  const start = skipSpaces(sql, 0);
  const verb = sql.slice(start, endOfName(sql, start)).toUpperCase();
  return /^[A-Z]{1,20}$/.test(verb) ? verb : undefined;
}

function verbRefusal(sql: BinaryString, verb: string | undefined): string {
  if (verb !== undefined) {
    return `${verb} is not among the allowed statements`;
  }
  return skipSpaces(sql, 0) === sql.length ? 'An empty statement' : 'Does not begin with a statement';
}

function shapeOf(sql: BinaryString, verb: string): StatementShape {
  return readShape(sql, verb) ?? { kind: 'other', verb };
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
