import type { BinaryString } from '../binary-string.ts';
import { CHARACTER, endOfName, isNameCharacter, skipSpaces } from './characters.ts';
import { endOfLiteral } from './literal.ts';
import { endOfQuoted } from './quoted.ts';
import type { StatementReader } from './statement-reader.ts';

const OPERATORS: ReadonlySet<string> = new Set('+-*/%<>=!&|^~');
const OPERATOR_WORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'XOR', 'NOT', 'IS', 'DIV', 'MOD']);

/**
 * Moves past an expression that depends only on its own row: literals, quoted columns, operators, parentheses. It ends
 * before a comma or another word, such as WHERE.
 *
 * @returns false for every other expression: a subselect reads other rows, a function may be a stored one that writes
 *   them, and a variable has an unknown value
 */
export function skipRowExpression(reader: StatementReader): boolean {
  let depth = 0;
  reader.skipSpaces();
  const start = reader.position;
  for (;;) {
    if (reader.takeCharacter(CHARACTER.open)) depth++;
    else if (depth > 0 && reader.takeCharacter(CHARACTER.close)) depth--;
    else {
      reader.skipSpaces();
      const end = endOfToken(reader.sql, reader.position);
      if (end === -1) {
        // The caller checks that a comma or WHERE follows.
        return depth === 0 && reader.position > start;
      }
      reader.position = end;
    }
  }
}

function endOfToken(sql: BinaryString, start: number): number {
  const code = sql.charCodeAt(start);
  if (code === CHARACTER.backtick) return endOfColumn(sql, start);
  const end = endOfLiteral(sql, start);
  if (end !== -1) return end;
  if (isNameCharacter(code)) {
    const wordEnd = endOfName(sql, start);
    return OPERATOR_WORDS.has(sql.slice(start, wordEnd).toUpperCase()) ? wordEnd : -1;
  }
  return OPERATORS.has(sql.charAt(start)) ? start + 1 : -1;
}

/** -1 if the name is that of a function or qualifies another name. */
function endOfColumn(sql: BinaryString, start: number): number {
  const end = endOfQuoted(sql, start);
  const next = sql.charCodeAt(skipSpaces(sql, end));
  return next === CHARACTER.open || next === CHARACTER.dot ? -1 : end;
}
