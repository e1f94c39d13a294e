import { asBinary, ascii, type BinaryString, binaryToBytes } from '../../shared/binary-string.ts';
import type { ExecutorReply, RowsRequest } from '../../shared/protocol.ts';
import type { MysqlSession } from './session.ts';

/**
 * Maximum size of the values in one reply, except for a single larger row. As JSON, they may become six times as long.
 */
const MAX_BYTES = 1 << 20;

/** Reads names and types of the columns of a table in the pool's own database, in the order of the table. */
export async function readColumns(session: MysqlSession, table: BinaryString): Promise<ExecutorReply> {
  const rows = await session.read(
    asBinary(
      `SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${hexText(table)} ORDER BY ORDINAL_POSITION`,
    ),
  );
  const columns = rows.map(([name, type]) => ({ name: name ?? ascii(''), type: (type ?? '').toLowerCase() }));
  return { status: 'columns', columns };
}

/**
 * Reads a page of rows in the order of their ID. It reads their sizes first, because rows can be of any size, and
 * neither this process nor the reply can hold an unlimited number of large rows.
 */
export async function readRows(session: MysqlSession, request: RowsRequest): Promise<ExecutorReply> {
  const columns = request.columns.map(quotedName);
  const sizes = columns.map((column) => `COALESCE(LENGTH(${column}), 0)`).join(' + ');
  const found = await session.read(
    asBinary(`SELECT \`ID\`, ${sizes} ${fromWhere(request)} ORDER BY \`ID\` LIMIT ${request.limit}`),
  );
  const count = countWithin(found.map(([, size]) => Number(size ?? 0)));
  const last = found[count - 1]?.[0];
  if (last === undefined || last === null) return { status: 'rows', rows: [], more: false };
  const rows = await session.read(
    asBinary(
      `SELECT \`ID\`, ${columns.join(', ')} ${fromWhere(request)} AND \`ID\` <= ${last} ORDER BY \`ID\``,
    ),
  );
  return { status: 'rows', rows, more: count < found.length || found.length === request.limit };
}

function fromWhere({ table, after, withoutFakeDeleted }: RowsRequest): string {
  const notDeleted = withoutFakeDeleted ? ' AND `FakeDelete` = 0' : '';
  return `FROM ${quotedName(table)} WHERE \`ID\` > ${after}${notDeleted}`;
}

/** The number of leading rows that fit into a reply; at least one. */
function countWithin(sizes: readonly number[]): number {
  let bytes = 0;
  const firstExcess = sizes.findIndex((size, index) => {
    bytes += size;
    return bytes > MAX_BYTES && index > 0;
  });
  return firstExcess === -1 ? sizes.length : firstExcess;
}

function quotedName(identifier: BinaryString): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}

/** A string literal in hexadecimal, so that no character can end it. */
function hexText(value: BinaryString): string {
  return `CONVERT(x'${binaryToBytes(value).toString('hex')}' USING utf8mb4)`;
}
