import type { Connection, RowDataPacket } from 'mysql2/promise';
import { compareCounts, type Difference } from '../../kit/difference.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import {
  addLazyEntry,
  type CheckResult,
  readLazyDeadLetters,
  type Workload,
  withMysql,
  withRedis,
} from './workload.ts';

/** The name of the MySQL pool and of its database. */
const POOL = 'counters';
export const COUNTER_POOLS: MorePools = { mysql: POOL };

const ROWS = 8;

/** The trigger reports this error as one of the statement, and every other error as a condition of the server. */
const DATA_ERROR = 1406;

const SCHEMA = `CREATE DATABASE ${POOL}; USE ${POOL};
CREATE TABLE Counter (ID bigint unsigned PRIMARY KEY, Number int NOT NULL);
CREATE TABLE History (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Counter bigint unsigned, Number int NOT NULL);
CREATE TABLE Failure (ID int PRIMARY KEY, Code int NOT NULL);
INSERT INTO Failure VALUES (1, 0);
CREATE TRIGGER Fail BEFORE UPDATE ON Counter FOR EACH ROW BEGIN
  DECLARE code INT DEFAULT (SELECT Code FROM Failure WHERE ID = 1);
  IF code = ${DATA_ERROR} THEN
    SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = ${DATA_ERROR}, MESSAGE_TEXT = 'data too long, says the test';
  ELSEIF code <> 0 AND NEW.ID % 2 = 0 THEN
    SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = code, MESSAGE_TEXT = 'not now, says the test';
  END IF;
END;
CREATE TRIGGER Record AFTER UPDATE ON Counter FOR EACH ROW
  INSERT INTO History (Counter, Number) VALUES (NEW.ID, NEW.Number);`;

/**
 * Updates of a few rows. A trigger records each update, so that updates that are missing, repeated or out of order are
 * seen. Another trigger can make the updates fail.
 */
export class Counters implements Workload {
  readonly name = 'counters';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #updates: { readonly row: number; readonly id: string }[] = [];
  readonly #differences: Difference[] = [];

  private constructor(application: Application) {
    this.#application = application;
  }

  static async prepare(application: Application): Promise<Counters> {
    await withMysql(application, async (mysql) => {
      await mysql.query(SCHEMA);
      const rows = Array.from({ length: ROWS }, (_, index) => [index + 1, 0]);
      await mysql.query(`INSERT INTO ${POOL}.Counter VALUES ?`, [rows]);
    });
    return new Counters(application);
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      for (let added = 0; added < count; added++) {
        const number = this.#updates.length;
        const row = (number % ROWS) + 1;
        const sql = `UPDATE Counter SET \`Number\`=${number} WHERE \`ID\` = ${row}`;
        const id = await addLazyEntry(redis, { q: [[POOL, sql, null]], i: [row], o: 'u' });
        this.#updates.push({ row, id });
      }
    });
  }

  addRemaining(): Promise<void> {
    return this.add(1);
  }

  /** Holds the lock of a row while the task runs. The task can ask if all updates of the other rows are applied. */
  async holdRow(
    row: number,
    task: (areOthersApplied: () => Promise<boolean>) => Promise<void>,
  ): Promise<void> {
    await withMysql(this.#application, async (mysql) => {
      await mysql.query('START TRANSACTION');
      await mysql.query(`SELECT * FROM ${POOL}.Counter WHERE ID = ? FOR UPDATE`, [row]);
      await task(() => this.#areOthersApplied(row));
      await mysql.query('ROLLBACK');
    });
  }

  /** Reports that the other rows had to wait for a locked row. */
  reportBlocked(row: number): void {
    this.#differences.push({ kind: 'unfinished', what: `counters waited for the locked row ${row}` });
  }

  /** From now on updates fail with this error code of MySQL; 0 for none. */
  async failWith(code: number): Promise<void> {
    await withMysql(this.#application, (mysql) => mysql.query(`UPDATE ${POOL}.Failure SET Code = ?`, [code]));
  }

  /** From now on updates fail with an error for which the statement is to blame. */
  failAsIfData(): Promise<void> {
    return this.failWith(DATA_ERROR);
  }

  get entryIds(): readonly string[] {
    return this.#updates.map(({ id }) => id);
  }

  async check(): Promise<CheckResult> {
    const expected = this.#updates.map(({ row }, number) => nameOf(row, number));
    const history = await withMysql(this.#application, readHistory);
    const actual = history.map(({ row, number }) => nameOf(row, number));
    const deadLetters = await withRedis(this.#application, 'default', (redis) =>
      readLazyDeadLetters(redis, new Set(this.entryIds)),
    );
    const counts = compareCounts(expected, actual);
    return {
      counts: { updates: expected.length },
      differences: [
        ...this.#differences,
        ...counts,
        ...(counts.length === 0 ? outOfOrder(history) : []),
        ...deadLetters.map(
          ({ entry, code }): Difference => ({
            kind: 'unexpected',
            what: `dead letter of counter entry ${entry} with code ${code}`,
          }),
        ),
      ],
    };
  }

  async #areOthersApplied(locked: number): Promise<boolean> {
    const expected = this.#updates.filter(({ row }) => row !== locked).length;
    const history = await withMysql(this.#application, readHistory);
    return history.filter(({ row }) => row !== locked).length >= expected;
  }
}

interface Recorded {
  readonly row: number;
  readonly number: number;
}

/** In the order in which the updates ran; updates of the same row run one after another. */
async function readHistory(mysql: Connection): Promise<Recorded[]> {
  const [rows] = await mysql.query<RowDataPacket[]>(
    `SELECT Counter, Number FROM ${POOL}.History ORDER BY ID`,
  );
  return rows.map((row) => ({ row: Number(row['Counter']), number: Number(row['Number']) }));
}

function outOfOrder(history: readonly Recorded[]): Difference[] {
  return [...Map.groupBy(history, ({ row }) => row).values()].flatMap((updates) =>
    updates.flatMap(({ row, number }, index): Difference[] => {
      const previous = updates[index - 1]?.number ?? -1;
      if (previous < number) return [];
      return [{ kind: 'out of order', what: `update ${number} of counter ${row} after ${previous}` }];
    }),
  );
}

function nameOf(row: number, number: number): string {
  return `update ${number} of counter ${row}`;
}
