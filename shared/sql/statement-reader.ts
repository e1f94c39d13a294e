import { asBinary, type BinaryString, copyBinary, sliceBinary } from '../binary-string.ts';
import { CHARACTER, endOfName, isDigit, isNameCharacter, skipSpaces } from './characters.ts';
import { endOfQuoted } from './quoted.ts';

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

export interface TableName {
  readonly database?: BinaryString;
  readonly table: BinaryString;
}

/**
 * Parses a statement from left to right to find its shape. Each `take…` skips spaces, and advances only if it finds
 * what it looks for. The policy must have allowed the statement: it has no comments, and every quote is closed.
 */
export class StatementReader {
  readonly sql: BinaryString;
  /** Offset of the next character. */
  position: number;

  constructor(sql: BinaryString, position = skipSpaces(sql, 0)) {
    this.sql = sql;
    this.position = position;
  }

  skipSpaces(): void {
    this.position = skipSpaces(this.sql, this.position);
  }

  /** @param code of {@link CHARACTER} */
  isAt(code: number): boolean {
    return this.sql.charCodeAt(skipSpaces(this.sql, this.position)) === code;
  }

  isAtEnd(): boolean {
    return skipSpaces(this.sql, this.position) === this.sql.length;
  }

  /** @param word in upper case */
  takeWord(word: string): boolean {
    const start = skipSpaces(this.sql, this.position);
    const end = start + word.length;
    if (isNameCharacter(this.sql.charCodeAt(end)) || !isWordAt(this.sql, start, word)) return false;
    this.position = end;
    return true;
  }

  /** @param code of {@link CHARACTER} */
  takeCharacter(code: number): boolean {
    const start = skipSpaces(this.sql, this.position);
    if (this.sql.charCodeAt(start) !== code) return false;
    this.position = start + 1;
    return true;
  }

  /** Takes a name, quoted or not, and returns it without quotes. */
  takeName(): BinaryString | undefined {
    const start = skipSpaces(this.sql, this.position);
    const first = this.sql.charCodeAt(start);
    if (first === CHARACTER.backtick) {
      this.position = endOfQuoted(this.sql, start);
      const name = this.sql.slice(start + 1, this.position - 1);
      return name === '' ? undefined : asBinary(name.includes('`') ? name.replaceAll('``', '`') : name);
    }
    // A name may begin with a digit, but so do numbers: such names are not supported.
    const end = isDigit(first) ? start : endOfName(this.sql, start);
    this.position = end > start ? end : this.position;
    return end > start ? sliceBinary(this.sql, start, end) : undefined;
  }

  /** Takes `table` or `database.table`. The names are copies, because they are remembered for longer than the statement. */
  takeTableName(): TableName | undefined {
    const name = this.takeName();
    if (name === undefined) return undefined;
    if (!this.takeCharacter(CHARACTER.dot)) return { table: copyBinary(name) };
    const table = this.takeName();
    return table === undefined ? undefined : { database: copyBinary(name), table: copyBinary(table) };
  }

  /** Takes an integer from 0 to 2^64 - 1, in digits. */
  takeUnsigned(): bigint | undefined {
    const start = skipSpaces(this.sql, this.position);
    const end = endOfName(this.sql, start);
    const value = parseUnsigned(this.sql.slice(start, end));
    if (value !== undefined) this.position = end;
    return value;
  }
}

/** @param word in upper case. The comparison ignores the bit that distinguishes lower case in ASCII. */
function isWordAt(sql: BinaryString, start: number, word: string): boolean {
  const { length } = word;
  for (let index = 0; index < length; index++)
    if ((sql.charCodeAt(start + index) & ~0x20) !== word.charCodeAt(index)) return false;
  return true;
}

/** The value of 1 to 20 digits that fit into 64 bits; undefined for every other text. */
export function parseUnsigned(text: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : undefined;
}

export function isIdColumn(name: BinaryString): boolean {
  return name.length === 2 && name.toUpperCase() === 'ID';
}
