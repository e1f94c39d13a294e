import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Recording } from '../../infra/local/recording/recording.ts';
import type { TestRegistry } from './test-registry.ts';

/** Resets existing tables to the rows of a recording, which is much faster than creating the databases again. */
export async function rewindDatabases(registry: TestRegistry, rows: Recording['rows']): Promise<void> {
  for (const { host, port, user, password, database, schema } of registry.mysql.values()) {
    const connection = await createConnection({ host, port, user, password, database });
    try {
      await connection.query('SET FOREIGN_KEY_CHECKS = 0');
      const [tables] = await connection.query<RowDataPacket[]>('SHOW TABLES');
      for (const table of tables) await connection.query('DELETE FROM ??', Object.values(table));
      for (const [name, rowsOfTable] of Object.entries(rows)) {
        const [ofSchema, table] = name.split('.');
        const columns = Object.keys(rowsOfTable[0] ?? {});
        const values = rowsOfTable.map((row) => columns.map((column) => row[column]));
        if (ofSchema === schema)
          await connection.query('INSERT INTO ?? (??) VALUES ?', [table, columns, values]);
      }
    } finally {
      await connection.end();
    }
  }
}
