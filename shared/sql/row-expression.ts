import type { BinaryString } from '../binary-string.ts';
import { CHARACTER, endOfName, isNameCharacter, skipSpaces } from './characters.ts';
import { endOfLiteral } from './literal.ts';
import { endOfQuoted } from './quoted.ts';
import type { StatementReader } from './statement-reader.ts';

const OPERATORS: ReadonlySet<string> = new Set('+-*/%<>=!&|^~');
const OPERATOR_WORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'XOR', 'NOT', 'IS', 'DIV', 'MOD']);

/**
 * Moves behind an expression that looks at nothing but its own row: literals, quoted columns, operators, parentheses.
 * It ends before a comma or a word that is none of these, such as WHERE. False where it isn't such an expression: a
 * sub-select reads other rows, a function may be a stored one that writes them, a variable comes from elsewhere.
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
        // Whoever reads on checks that a comma or WHERE stands here.
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

/** -1 where the name is that of a function, or stands before another name. */
function endOfColumn(sql: BinaryString, start: number): number {
  const end = endOfQuoted(sql, start);
  const next = sql.charCodeAt(skipSpaces(sql, end));
  return next === CHARACTER.open || next === CHARACTER.dot ? -1 : end;
}
