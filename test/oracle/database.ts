import { type Connection, createConnection, type ResultSetHeader } from 'mysql2/promise';
import type { TestMysqlPool } from '../kit/test-registry.ts';
import type { LogValue } from './wire.ts';

/** MySQL's errors that are not a statement's own fault; the oracle runs alone and must not meet any. */
const NOT_A_JUDGEMENT = new Set([1040, 1205, 1213, 1290, 1792, 1836, 2006, 2013]);

export type Execution = { readonly firstId: string } | { readonly errno: number };

/** One pool's database, each statement a transaction of its own. */
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
    // For the character set `binary` the driver writes one byte a character. The server is told UTF-8 below, and, so
    // that the driver doesn't follow, not to report that back.
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

  /** @param sql one character a byte */
  execute(sql: string): Promise<Execution> {
    return judged(this.#raw.query<ResultSetHeader>(sql));
  }

  insertLogRow({ table, updated, meta, before, changes }: LogValue, entityId: string): Promise<Execution> {
    const addedAt = updated.toISOString().slice(0, 19).replace('T', ' ');
    return judged(
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

async function judged(query: Promise<[ResultSetHeader, unknown]>): Promise<Execution> {
  try {
    const [{ insertId }] = await query;
    return { firstId: String(insertId) };
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
    if (!(errno >= 1000) || NOT_A_JUDGEMENT.has(errno)) throw error;
    return { errno };
  }
}
