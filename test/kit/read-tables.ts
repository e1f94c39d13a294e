import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { TestMysqlPool } from './test-registry.ts';

/** A column value as text (floats in JavaScript's notation), or the bytes of a binary column. */
export type Cell = string | null | { readonly base64: string };
export type Row = Readonly<Record<string, Cell>>;
/** All rows by `schema.table`, ordered by id. */
export type Tables = ReadonlyMap<string, readonly Row[]>;

/** The text of a value; empty for NULL and for bytes. */
export function textOfCell(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : '';
}

type Column = { readonly table: string; readonly name: string; readonly type: string };

const FLOATS = new Set(['float', 'double']);
const BINARIES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** Reads all tables of a pool's database. */
export async function readTables(pool: TestMysqlPool): Promise<Tables> {
  const { host, port, user, password, database } = pool;
  const connection = await createConnection({ host, port, user, password, database, charset: 'UTF8MB4_BIN' });
  try {
    const tables = new Map<string, readonly Row[]>();
    const columns = await readColumns(connection, database);
    for (const [table, columnsOfTable] of Map.groupBy(columns, (column) => column.table))
      tables.set(`${pool.schema}.${table}`, await readRows(connection, table, columnsOfTable));
    return tables;
  } finally {
    await connection.end();
  }
}

async function readColumns(connection: Connection, database: string): Promise<Column[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    'SELECT TABLE_NAME AS `table`, COLUMN_NAME AS name, DATA_TYPE AS type FROM information_schema.COLUMNS' +
      ' WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION',
    [database],
  );
  return rows.map(({ table, name, type }) => ({ table, name, type }));
}

async function readRows(connection: Connection, table: string, columns: readonly Column[]): Promise<Row[]> {
  const idColumn = columns.find(({ name }) => name.toLowerCase() === 'id');
  const order = idColumn === undefined ? '' : ` ORDER BY \`${idColumn.name}\``;
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT ${columns.map(selected).join()} FROM \`${table}\`${order}`,
    rowsAsArray: true,
    typeCast: (field) => field.string(),
  });
  return rows.map((values) =>
    Object.fromEntries(columns.map(({ name, type }, index) => [name, cellOf(values[index], type)])),
  );
}

/** MySQL writes a FLOAT as text with six digits only, hence the cast to DOUBLE. */
function selected({ name, type }: Column): string {
  if (BINARIES.has(type)) return `HEX(\`${name}\`)`;
  return FLOATS.has(type) ? `CAST(\`${name}\` AS DOUBLE)` : `\`${name}\``;
}

function cellOf(value: unknown, type: string): Cell {
  if (typeof value !== 'string') return null;
  if (BINARIES.has(type)) return { base64: Buffer.from(value, 'hex').toString('base64') };
  return FLOATS.has(type) ? String(Number(value)) : value;
}
