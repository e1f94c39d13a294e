import type { BinaryString } from '../binary-string.ts';
import { character } from './characters.ts';
import { skipRowExpression } from './row-expression.ts';
import { isIdColumn, StatementReader } from './statement-reader.ts';
import type { DeleteShape, UpdateShape } from './statement-shape.ts';

/** The shape of an UPDATE of rows by id; undefined for anything else that begins with UPDATE. */
export function readUpdate(sql: BinaryString): UpdateShape | undefined {
  const reader = new StatementReader(sql);
  const name = reader.takeWord('UPDATE') ? reader.takeTableName() : undefined;
  if (name === undefined || !reader.takeWord('SET')) {
    return undefined; // a modifier, an alias, or several tables
  }
  const columns = readAssignments(reader);
  const ids = columns === undefined ? undefined : readWhereId(reader);
  return columns === undefined || ids === undefined ? undefined : { kind: 'update', ...name, columns, ids };
}

/** The shape of a DELETE of rows by id; undefined for anything else that begins with DELETE. */
export function readDelete(sql: BinaryString): DeleteShape | undefined {
  const reader = new StatementReader(sql);
  const name = reader.takeWord('DELETE') && reader.takeWord('FROM') ? reader.takeTableName() : undefined;
  const ids = name === undefined ? undefined : readWhereId(reader);
  return name === undefined || ids === undefined ? undefined : { kind: 'delete', ...name, ids };
}

function readAssignments(reader: StatementReader): BinaryString[] | undefined {
  const columns: BinaryString[] = [];
  do {
    const column = reader.takeName();
    // A row that gets another id is a second row that the statement touches.
    if (column === undefined || isIdColumn(column)) {
      return undefined;
    }
    if (!reader.takeCharacter(character.equals) || !skipRowExpression(reader)) {
      return undefined;
    }
    columns.push(column);
  } while (reader.takeCharacter(character.comma));
  return columns;
}

/** ``WHERE `ID` = 5`` or ``WHERE `ID` IN (5,6)``, up to the statement's end. */
function readWhereId(reader: StatementReader): bigint[] | undefined {
  const column = reader.takeWord('WHERE') ? reader.takeName() : undefined;
  if (column === undefined || !isIdColumn(column)) {
    return undefined;
  }
  const ids = reader.takeCharacter(character.equals) ? readOneId(reader) : readIdList(reader);
  return reader.isAtEnd() ? ids : undefined;
}

function readOneId(reader: StatementReader): bigint[] | undefined {
  const id = reader.takeUnsigned();
  return id === undefined ? undefined : [id];
}

function readIdList(reader: StatementReader): bigint[] | undefined {
  if (!reader.takeWord('IN') || !reader.takeCharacter(character.open)) {
    return undefined;
  }
  const ids: bigint[] = [];
  do {
    const id = reader.takeUnsigned();
    if (id === undefined) {
      return undefined;
    }
    ids.push(id);
  } while (reader.takeCharacter(character.comma));
  return reader.takeCharacter(character.close) ? ids : undefined;
}
