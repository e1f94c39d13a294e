import { type Connection, createConnection, type ResultSetHeader } from 'mysql2/promise';
import type { TestMysqlPool } from '../kit/test-registry.ts';
import type { LogValue } from './wire.ts';

/** Errors that the statement did not cause, such as a deadlock. The oracle runs alone, so it must never see one. */
const ENVIRONMENT_ERRORS = new Set([1040, 1205, 1213, 1290, 1792, 1836, 2006, 2013]);

export type Execution = { readonly firstId: string } | { readonly errno: number };

/** The database of one pool. Each statement is its own transaction. */
export class OracleDatabase {
  readonly #raw: Connection;
  readonly #text: Connection;
  readonly idStep: number;

  private constructor(raw: Connection, text: Connection, idStep: number) {
    this.#raw = raw;
    this.#text = text;
    this.idStep = idStep;
  }

  static async open({ host, port, user, password, database }: TestMysqlPool): Promise<OracleDatabase> {
    const options = { host, port, user, password, database, supportBigNumbers: true, bigNumberStrings: true };
    // With the character set BINARY, the driver sends each character as one byte. SET NAMES makes the server read those
    // bytes as UTF-8. Without session tracking the server doesn't report that change, so the driver keeps BINARY.
    const raw = await createConnection({ ...options, charset: 'BINARY', flags: ['-SESSION_TRACK'] });
    await raw.query('SET NAMES utf8mb4');
    const text = await createConnection({ ...options, charset: 'UTF8MB4_BIN' });
    const [rows] = await text.query('SELECT @@auto_increment_increment');
    return new OracleDatabase(
      raw,
      text,
      Number(Object.values(Array.isArray(rows) ? (rows[0] ?? {}) : {})[0]),
    );
  }

  /** @param sql one character per byte */
  execute(sql: string): Promise<Execution> {
    return executionOf(this.#raw.query<ResultSetHeader>(sql));
  }

  insertLogRow({ table, updated, meta, before, changes }: LogValue, entityId: string): Promise<Execution> {
    const addedAt = updated.toISOString().slice(0, 19).replace('T', ' ');
    return executionOf(
      this.#text.query<ResultSetHeader>(
        'INSERT INTO ?? (entity_id, added_at, meta, `before`, changes) VALUES (?)',
        [table, [entityId, addedAt, meta, before, changes]],
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#raw.end(), this.#text.end()]);
  }
}

async function executionOf(query: Promise<[ResultSetHeader, unknown]>): Promise<Execution> {
  try {
    const [{ insertId }] = await query;
    return { firstId: String(insertId) };
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
    if (!(errno >= 1000) || ENVIRONMENT_ERRORS.has(errno)) throw error;
    return { errno };
  }
}
