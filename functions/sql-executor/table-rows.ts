import { asBinary, ascii, type BinaryString, binaryToBytes } from '../../shared/binary-string.ts';
import type { ExecutorReply, RowsRequest } from '../../shared/protocol.ts';
import type { MysqlSession } from './session.ts';

/** Of the values in one reply, unless a single row is larger. As JSON they may grow to some six times as much. */
const MAX_BYTES = 1 << 20;

/** Reads the columns of a table in the pool's own database, in the table's order. */
export async function readColumns(session: MysqlSession, table: BinaryString): Promise<ExecutorReply> {
  const rows = await session.read(
    asBinary(
      `SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${text(table)} ORDER BY ORDINAL_POSITION`,
    ),
  );
  const columns = rows.map(([name, type]) => ({ name: name ?? ascii(''), type: (type ?? '').toLowerCase() }));
  return { status: 'columns', columns };
}

/**
 * Reads a page of rows in the order of their ID. Their sizes are read first: rows are of any size, and neither this
 * process nor the reply can hold any number of large ones.
 */
export async function readRows(session: MysqlSession, request: RowsRequest): Promise<ExecutorReply> {
  const columns = request.columns.map(name);
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
  return `FROM ${name(table)} WHERE \`ID\` > ${after}${notDeleted}`;
}

/** How many of the first rows fit into a reply; at least one. */
function countWithin(sizes: readonly number[]): number {
  let bytes = 0;
  const tooMany = sizes.findIndex((size, index) => {
    bytes += size;
    return bytes > MAX_BYTES && index > 0;
  });
  return tooMany === -1 ? sizes.length : tooMany;
}

function name(identifier: BinaryString): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}

/** In hexadecimal, so that no character of it can end the text. */
function text(value: BinaryString): string {
  return `CONVERT(x'${binaryToBytes(value).toString('hex')}' USING utf8mb4)`;
}
