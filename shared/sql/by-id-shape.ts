import { type BinaryString, sliceBinary } from '../binary-string.ts';
import { CHARACTER } from './characters.ts';
import { KnownHeads } from './known-heads.ts';
import { endOfLiteral } from './literal.ts';
import { skipRowExpression } from './row-expression.ts';
import { isIdColumn, StatementReader, type TableName } from './statement-reader.ts';
import type { DeleteShape, UpdateShape } from './statement-shape.ts';

/** `UPDATE t SET ` and its table. */
interface UpdateHead {
  readonly head: BinaryString;
  readonly name: TableName;
}

const knownHeads = new KnownHeads<UpdateHead>();

/** The shape of an UPDATE of rows by ID; undefined for every other statement that begins with UPDATE. */
export function readUpdate(sql: BinaryString): UpdateShape | undefined {
  const reader = new StatementReader(sql);
  const name = readUpdateHead(reader);
  if (name === undefined || !skipAssignments(reader, false)) return undefined;
  return updateShape(name, readWhereId(reader));
}

/**
 * The shape of an update whose head has been allowed before, and that assigns only literals to quoted columns. There is
 * nothing to refuse in it, so it is allowed without the policy's scan. Undefined says nothing about the statement.
 */
export function readKnownUpdate(sql: BinaryString): UpdateShape | undefined {
  const known = knownHeads.find(sql);
  if (known === undefined) return undefined;
  const reader = new StatementReader(sql, known.head.length);
  return skipAssignments(reader, true) ? updateShape(known.name, readWhereId(reader)) : undefined;
}

/** Remembers the head of an update that was allowed. */
export function rememberUpdate(sql: BinaryString): void {
  const reader = new StatementReader(sql);
  const name = readUpdateHead(reader);
  if (name !== undefined && sql.charCodeAt(reader.position) === CHARACTER.space)
    knownHeads.remember({ head: sliceBinary(sql, 0, reader.position + 1), name });
}

function readUpdateHead(reader: StatementReader): TableName | undefined {
  const name = reader.takeWord('UPDATE') ? reader.takeTableName() : undefined;
  return name !== undefined && reader.takeWord('SET') ? name : undefined; // a modifier, an alias, or several tables
}

function updateShape({ table, database }: TableName, ids: bigint[] | undefined): UpdateShape | undefined {
  if (ids === undefined) return undefined;
  return database === undefined ? { kind: 'update', table, ids } : { kind: 'update', table, database, ids };
}

/** The shape of a DELETE of rows by ID; undefined for every other statement that begins with DELETE. */
export function readDelete(sql: BinaryString): DeleteShape | undefined {
  const reader = new StatementReader(sql);
  const name = reader.takeWord('DELETE') && reader.takeWord('FROM') ? reader.takeTableName() : undefined;
  const ids = name === undefined ? undefined : readWhereId(reader);
  return name === undefined || ids === undefined ? undefined : { kind: 'delete', ...name, ids };
}

/** @param isPlain accepts only quoted columns and literals */
function skipAssignments(reader: StatementReader, isPlain: boolean): boolean {
  do {
    if (isPlain && !reader.isAt(CHARACTER.backtick)) return false;
    const column = reader.takeName();
    // Changing a row's ID would touch a second row.
    if (column === undefined || isIdColumn(column) || !reader.takeCharacter(CHARACTER.equals)) return false;
    if (!(isPlain ? skipLiteral(reader) : skipRowExpression(reader))) return false;
  } while (reader.takeCharacter(CHARACTER.comma));
  return true;
}

function skipLiteral(reader: StatementReader): boolean {
  reader.skipSpaces();
  const end = endOfLiteral(reader.sql, reader.position);
  if (end === -1) return false;
  reader.position = end;
  return true;
}

/** Reads ``WHERE `ID` = 5`` or ``WHERE `ID` IN (5,6)``, up to the end of the statement. */
function readWhereId(reader: StatementReader): bigint[] | undefined {
  const column = reader.takeWord('WHERE') ? reader.takeName() : undefined;
  if (column === undefined || !isIdColumn(column)) return undefined;
  const ids = reader.takeCharacter(CHARACTER.equals) ? readOneId(reader) : readIdList(reader);
  return reader.isAtEnd() ? ids : undefined;
}

function readOneId(reader: StatementReader): bigint[] | undefined {
  const id = reader.takeUnsigned();
  return id === undefined ? undefined : [id];
}

function readIdList(reader: StatementReader): bigint[] | undefined {
  if (!reader.takeWord('IN') || !reader.takeCharacter(CHARACTER.open)) return undefined;
  const ids: bigint[] = [];
  do {
    const id = reader.takeUnsigned();
    if (id === undefined) return undefined;
    ids.push(id);
  } while (reader.takeCharacter(CHARACTER.comma));
  return reader.takeCharacter(CHARACTER.close) ? ids : undefined;
}
