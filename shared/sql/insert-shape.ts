import { asBinary, type BinaryString, sliceBinary } from '../binary-string.ts';
import { CHARACTER, skipSpaces } from './characters.ts';
import { KnownHeads } from './known-heads.ts';
import { endOfLiteral } from './literal.ts';
import { isIdColumn, parseUnsigned, StatementReader, type TableName } from './statement-reader.ts';
import type { InsertShape } from './statement-shape.ts';

/** `INSERT INTO t(…) VALUES ` and the form of the tuples after it. */
interface InsertHead {
  readonly head: BinaryString;
  readonly name: TableName;
  readonly columnCount: number;
  /** Index of the column `ID`; -1 if it is not in the list. */
  readonly idColumn: number;
}

const knownHeads = new KnownHeads<InsertHead>();

/** The shape of a plain INSERT … VALUES of literals; undefined for every other statement that begins with INSERT. */
export function readInsert(sql: BinaryString): InsertShape | undefined {
  const reader = new StatementReader(sql);
  const head = readHead(reader);
  return head === undefined ? undefined : readTuples(reader, head);
}

/**
 * The shape of an insert whose head has been allowed before. There is nothing to refuse in tuples of literals, so it is
 * allowed without the policy's scan. Undefined says nothing about the statement.
 */
export function readKnownInsert(sql: BinaryString): InsertShape | undefined {
  const known = knownHeads.find(sql);
  return known === undefined ? undefined : readTuples(new StatementReader(sql, known.head.length), known);
}

/** Remembers the head of an insert that was allowed. */
export function rememberInsert(sql: BinaryString): void {
  const head = readHead(new StatementReader(sql));
  if (head !== undefined && sql.startsWith(head.head)) knownHeads.remember(head);
}

function readHead(reader: StatementReader): InsertHead | undefined {
  const start = reader.position;
  if (!reader.takeWord('INSERT') || !reader.takeWord('INTO')) return undefined; // a modifier such as IGNORE
  const name = reader.takeTableName();
  const columns = readColumns(reader);
  if (name === undefined || columns === undefined || !reader.takeWord('VALUES')) return undefined;
  return {
    head: headUntil(reader.sql, start, reader.position),
    name,
    columnCount: columns.length,
    idColumn: columns.findIndex(isIdColumn),
  };
}

function readTuples(
  reader: StatementReader,
  { head, name, columnCount, idColumn }: InsertHead,
): InsertShape | undefined {
  reader.skipSpaces();
  const firstRow = reader.position;
  const rowIds = readRows(reader, columnCount, idColumn);
  if (rowIds === undefined || !reader.isAtEnd()) return undefined; // a function, or a tail such as ON DUPLICATE KEY UPDATE
  const { table, database } = name;
  const groupable = idColumn === -1;
  return database === undefined
    ? { kind: 'insert', table, head, firstRow, rowIds, groupable }
    : { kind: 'insert', table, database, head, firstRow, rowIds, groupable };
}

function headUntil(sql: BinaryString, start: number, end: number): BinaryString {
  return sql.charCodeAt(end) === CHARACTER.space
    ? sliceBinary(sql, start, end + 1)
    : asBinary(`${sql.slice(start, end)} `);
}

/** BeeORM writes no columns and no values for an entity that has only an ID. */
function readColumns(reader: StatementReader): BinaryString[] | undefined {
  const columns: BinaryString[] = [];
  if (!reader.takeCharacter(CHARACTER.open)) return columns;
  if (reader.takeCharacter(CHARACTER.close)) return columns;
  do {
    const column = reader.takeName();
    if (column === undefined) return undefined;
    columns.push(column);
  } while (reader.takeCharacter(CHARACTER.comma));
  return reader.takeCharacter(CHARACTER.close) ? columns : undefined;
}

/** The explicit ID of each tuple. Undefined if a tuple is not as many literals as there are columns. */
function readRows(
  reader: StatementReader,
  columnCount: number,
  idColumn: number,
): (bigint | undefined)[] | undefined {
  const first = readRow(reader, columnCount, idColumn);
  if (first === false) return undefined;
  const rowIds = [first];
  while (reader.takeCharacter(CHARACTER.comma)) {
    const id = readRow(reader, columnCount, idColumn);
    if (id === false) return undefined;
    rowIds.push(id);
  }
  return rowIds;
}

/** Moves past one tuple. Returns its explicit ID, or false if it is not as many literals as there are columns. */
function readRow(reader: StatementReader, columnCount: number, idColumn: number): bigint | undefined | false {
  if (!reader.takeCharacter(CHARACTER.open)) return false;
  let id: bigint | undefined | false;
  for (let column = 0; column < columnCount; column++) {
    const start = skipSpaces(reader.sql, reader.position);
    const end = endOfLiteral(reader.sql, start);
    if (end === -1) return false;
    reader.position = end;
    if (column === idColumn) id = readId(reader.sql.slice(start, end));
    if (column < columnCount - 1 && !reader.takeCharacter(CHARACTER.comma)) return false;
  }
  return reader.takeCharacter(CHARACTER.close) ? id : false;
}

/** Undefined if MySQL chooses the ID: for 0 too, because the sessions are set up without NO_AUTO_VALUE_ON_ZERO. */
function readId(literal: string): bigint | undefined | false {
  const id = parseUnsigned(literal);
  if (id !== undefined) return id === 0n ? undefined : id;
  // MySQL converts a string or a float to an ID that cannot be derived from its text here.
  return /^(?:NULL|DEFAULT)$/i.test(literal) ? undefined : false;
}
