import type { Connection, RowDataPacket } from 'mysql2/promise';
import { compareCounts, type Difference } from '../../kit/difference.ts';
import type { Random } from '../../kit/generate/random.ts';
import { decodeDirtyEvent } from '../../oracle/wire.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import {
  addLazyEntry,
  type CheckResult,
  createLogTable,
  logValueOfInsert,
  type Workload,
  withMysql,
  withRedis,
} from './workload.ts';

/** The name of the MySQL pool and of its database. */
const POOL = 'tickets';
const CHANGED = 'tickets-changed';
export const TICKET_POOLS: MorePools = { mysql: POOL, streams: { default: { [CHANGED]: ['readers'] } } };

/** A trigger assigns the IDs of `Ticket`; they begin here. `Note` has AUTO_INCREMENT, with lower IDs. */
export const FIRST_TICKET_ID = 1_000_000;
const TABLES = ['Ticket', 'Note'] as const;
type Table = (typeof TABLES)[number];

const SCHEMA = `CREATE DATABASE ${POOL}; USE ${POOL};
CREATE TABLE Ticket (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Code varchar(20) NOT NULL);
CREATE TABLE Note (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Code varchar(20) NOT NULL);
CREATE TRIGGER AssignId BEFORE INSERT ON Ticket FOR EACH ROW
  SET NEW.ID = ${FIRST_TICKET_ID} + 7 * CAST(SUBSTRING(NEW.Code, 2) AS UNSIGNED);
${TABLES.map((table) => createLogTable(POOL, table)).join('\n')}`;

/** Inserts into a table whose IDs a trigger assigns, and into one whose IDs MySQL assigns. Log rows and dirty events must carry the IDs of their rows. */
export class Tickets implements Workload {
  readonly name = 'tickets';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #random: Random;
  readonly #added: { readonly table: Table; readonly code: string }[] = [];

  private constructor(application: Application, random: Random) {
    this.#application = application;
    this.#random = random;
  }

  static async prepare(application: Application, random: Random): Promise<Tickets> {
    await withMysql(application, (mysql) => mysql.query(SCHEMA));
    return new Tickets(application, random);
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      for (let added = 0; added < count; added++) {
        const table = this.#random.pick(TABLES);
        const code = `t${this.#added.length}`;
        this.#added.push({ table, code });
        await addLazyEntry(redis, {
          q: [[POOL, `INSERT INTO ${table}(\`Code\`) VALUES ('${code}')`, null]],
          i: [0],
          o: 'i',
          l: [logValueOfInsert(POOL, table, code)],
          d: [{ Event: { I: 0, A: 'i', E: `main.${table}` }, Streams: [CHANGED] }],
        });
      }
    });
  }

  addRemaining(): Promise<void> {
    return this.add(1);
  }

  async check(): Promise<CheckResult> {
    const events = await withRedis(this.#application, 'default', (redis) =>
      redis.xrangeBuffer(CHANGED, '-', '+'),
    );
    const actualEvents = events.map(([, fields]) => {
      const { entity, id } = decodeDirtyEvent(fields[1] ?? Buffer.alloc(0));
      return `event of ${entity} ${id}`;
    });
    return await withMysql(this.#application, async (mysql) => {
      const rows = await Promise.all(TABLES.map((table) => readRows(mysql, table)));
      const logRows = await Promise.all(TABLES.map((table) => readLogRows(mysql, table)));
      const ids = new Map(rows.flat().map(({ code, id }) => [code, id]));
      const codes = this.#added.map(({ code }) => code);
      const expectedEvents = rows.flat().map(({ table, id }) => `event of main.${table} ${id}`);
      return {
        counts: { entries: this.#added.length, 'ids by a trigger': rows[0]?.length ?? 0 },
        differences: [
          ...compareCounts(
            codes.map((code) => `row ${code}`),
            rows.flat().map(({ code }) => `row ${code}`),
          ),
          ...compareCounts(
            codes.map((code) => `log row of ${code}`),
            logRows.flat().map(({ code }) => `log row of ${code}`),
          ),
          ...logRows.flat().flatMap(({ code, id }) => wrongId(code, id, ids.get(code))),
          ...compareCounts(expectedEvents, actualEvents),
        ],
      };
    });
  }
}

interface FoundRow {
  readonly table: Table;
  readonly code: string;
  readonly id: string;
}

function readRows(mysql: Connection, table: Table): Promise<FoundRow[]> {
  return readIds(mysql, table, `SELECT Code AS code, ID AS id FROM ${POOL}.${table}`);
}

function readLogRows(mysql: Connection, table: Table): Promise<FoundRow[]> {
  const code = "JSON_UNQUOTE(JSON_EXTRACT(changes, '$.Code'))";
  return readIds(mysql, table, `SELECT ${code} AS code, entity_id AS id FROM ${POOL}._log_${POOL}_${table}`);
}

async function readIds(mysql: Connection, table: Table, sql: string): Promise<FoundRow[]> {
  const [rows] = await mysql.query<RowDataPacket[]>(sql);
  return rows.map((row) => ({ table, code: String(row['code']), id: String(row['id']) }));
}

function wrongId(code: string, found: string, expected: string | undefined): Difference[] {
  if (expected === undefined || found === expected) return [];
  return [{ kind: 'changed', what: `entity_id in the log row of ${code}: ${found} instead of ${expected}` }];
}
