import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { MysqlAddress } from '../recording/target-servers.ts';

const SAMPLES = [
  { title: 'User 1', sql: 'SELECT FirstName, Age, AddressCity, Role FROM bee.UserEntity WHERE ID = 1' },
  { title: 'Plain row 1', sql: 'SELECT Name FROM bee.PlainEntity WHERE ID = 1' },
  { title: 'Plain row 2', sql: 'SELECT Name FROM bee.PlainEntity WHERE ID = 2' },
  { title: 'Blob row 1', sql: 'SELECT HEX(`Blob`) AS bytes FROM bee.BlobEntity WHERE ID = 1' },
  { title: 'Order 1, in pool shop', sql: 'SELECT Total, Note FROM shop.OrderEntity WHERE ID = 1' },
  { title: 'Plain rows', sql: 'SELECT COUNT(*) AS count FROM bee.PlainEntity' },
  { title: 'Users', sql: 'SELECT COUNT(*) AS count FROM bee.UserEntity' },
  { title: 'Orders', sql: 'SELECT COUNT(*) AS count FROM shop.OrderEntity' },
  { title: 'Log rows of users', sql: 'SELECT COUNT(*) AS count FROM logs._log_default_UserEntity' },
] as const;

/** A sample row or a count, as readable text. */
export interface RowSample {
  readonly title: string;
  readonly row: string;
}

export async function readRowSamples({ host, port, user, password }: MysqlAddress): Promise<RowSample[]> {
  const connection = await createConnection({ host, port, user, password });
  try {
    const samples: RowSample[] = [];
    for (const { title, sql } of SAMPLES) {
      const [rows] = await connection.query<RowDataPacket[]>(sql);
      samples.push({ title, row: rows[0] === undefined ? '(no row)' : describeRow(rows[0]) });
    }
    return samples;
  } finally {
    await connection.end();
  }
}

function describeRow(row: Readonly<Record<string, unknown>>): string {
  return Object.entries(row)
    .map(([column, value]) => (column === 'count' ? String(value) : `${column} ${String(value)}`))
    .join(', ');
}
