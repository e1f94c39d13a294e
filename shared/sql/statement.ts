import type { BinaryString } from '../binary-string.ts';
import type { StatementShape } from './statement-shape.ts';

export type Judgement =
  | { readonly allowed: true; readonly shape: StatementShape }
  | { readonly allowed: false; readonly reason: string };

/** Verbs, in upper case, that a statement may begin with. */
export const defaultAllowedStatements: ReadonlySet<string> = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
]);

export function judgeStatement(_sql: BinaryString, _allowed: ReadonlySet<string>): Judgement {
  throw new Error('not written yet');
}
