import type { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { RedisDeadLetters } from '../../../functions/poller/operations/dead-letters.ts';
import { parseRegistry } from '../../../shared/registry/registry.ts';
import { compareCounts, type Difference } from '../../kit/difference.ts';
import { LAZY_STREAM } from '../../kit/test-registry.ts';
import { decodeDirtyEvent } from '../../oracle/wire.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import {
  addLazyEntry,
  type CheckResult,
  createLogTable,
  type LazyDeadLetter,
  logValueOfInsert,
  readLazyDeadLetters,
  type Workload,
  withMysql,
  withRedis,
} from './workload.ts';

/** The name of the MySQL pool and of its database. */
const POOL = 'repairs';
/** Another MySQL pool and its database; sometimes it is missing from the consumer's registry. */
export const ANNEX = 'annex';
const CHANGED = 'repairs-changed';
export const REPAIR_POOLS: readonly MorePools[] = [
  { mysql: POOL, streams: { default: { [CHANGED]: ['readers'] } } },
  { mysql: ANNEX },
];

const TABLES = ['Repair', 'Gate'] as const;

const SCHEMA = `CREATE DATABASE ${ANNEX}; CREATE DATABASE ${POOL}; USE ${POOL};
CREATE TABLE Repair (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Code varchar(20) NOT NULL);
CREATE TABLE Gate (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Code varchar(20) NOT NULL);
CREATE TABLE ${ANNEX}.Copy (ID bigint unsigned AUTO_INCREMENT PRIMARY KEY, Code varchar(20) NOT NULL);
CREATE TABLE Door (ID int PRIMARY KEY, IsClosed bool NOT NULL);
INSERT INTO Door VALUES (1, FALSE);
CREATE TRIGGER PassGate BEFORE INSERT ON Gate FOR EACH ROW BEGIN
  IF (SELECT IsClosed FROM Door WHERE ID = 1) THEN
    SIGNAL SQLSTATE '22003' SET MYSQL_ERRNO = 1264, MESSAGE_TEXT = 'out of range, says the test';
  END IF;
END;
${TABLES.map((table) => createLogTable(POOL, table)).join('\n')}`;

/**
 * Entries whose second statement fails while a gate is closed and whose third statement goes to another MySQL pool. Their
 * dead letters are redriven, and in the end each statement, log row and dirty event must have been applied once.
 */
export class Repairs implements Workload {
  readonly name = 'repairs';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #redrivesWhole: boolean;
  readonly #ids: string[] = [];
  #redriven = 0;

  private constructor(application: Application, redrivesWhole: boolean) {
    this.#application = application;
    this.#redrivesWhole = redrivesWhole;
  }

  /** `redrivesWhole`: redrive whole entries instead of their remaining work. */
  static async prepare(application: Application, redrivesWhole: boolean): Promise<Repairs> {
    await withMysql(application, (mysql) => mysql.query(SCHEMA));
    return new Repairs(application, redrivesWhole);
  }

  async add(count: number): Promise<void> {
    await withRedis(this.#application, 'default', async (redis) => {
      for (let added = 0; added < count; added++) {
        const code = `r${this.#ids.length}`;
        const insert = (pool: string, table: string) => [
          pool,
          `INSERT INTO ${table}(\`Code\`) VALUES ('${code}')`,
          null,
        ];
        const id = await addLazyEntry(redis, {
          q: [insert(POOL, 'Repair'), insert(POOL, 'Gate'), insert(ANNEX, 'Copy')],
          i: [0, 0, 0],
          o: 'i',
          l: TABLES.map((table) => logValueOfInsert(POOL, table, code)),
          d: TABLES.map((table) => ({ Event: { I: 0, A: 'i', E: `main.${table}` }, Streams: [CHANGED] })),
        });
        this.#ids.push(id);
      }
    });
  }

  addRemaining(): Promise<void> {
    return this.add(1);
  }

  /** While the gate is closed, the second statement of each entry fails. */
  async setGate(isClosed: boolean): Promise<void> {
    await withMysql(this.#application, (mysql) =>
      mysql.query(`UPDATE ${POOL}.Door SET IsClosed = ?`, [isClosed]),
    );
  }

  async redriveAll(): Promise<number> {
    return await withRedis(this.#application, 'default', async (redis) => {
      const letters = await readLazyDeadLetters(redis, new Set(this.#ids));
      const deadLetters = new RedisDeadLetters(
        parseRegistry(this.#application.registryYaml, 'registry.yaml'),
      );
      for (const letter of letters) {
        if (this.#redrivesWhole) await redriveWhole(redis, letter);
        else await deadLetters.redrive({ stream: LAZY_STREAM, id: letter.id });
      }
      this.#redriven += letters.length;
      return letters.length;
    });
  }

  async check(): Promise<CheckResult> {
    const [events, deadLetters] = await withRedis(this.#application, 'default', async (redis) => [
      await redis.xrangeBuffer(CHANGED, '-', '+'),
      await readLazyDeadLetters(redis, new Set(this.#ids)),
    ]);
    const found = await withMysql(this.#application, async (mysql) => [
      ...(await readCodes(mysql, `${POOL}.Repair`)),
      ...(await readCodes(mysql, `${POOL}.Gate`)),
      ...(await readCodes(mysql, `${ANNEX}.Copy`)),
      ...(await readLogCodes(mysql, 'Repair')),
      ...(await readLogCodes(mysql, 'Gate')),
    ]);
    const places = [`${POOL}.Repair`, `${POOL}.Gate`, `${ANNEX}.Copy`, 'log of Repair', 'log of Gate'];
    const codes = this.#ids.map((_, number) => `r${number}`);
    return {
      counts: { entries: this.#ids.length, redriven: this.#redriven },
      differences: [
        ...compareCounts(
          places.flatMap((place) => codes.map((code) => `${code} in ${place}`)),
          found,
        ),
        ...compareCounts(
          codes.flatMap(() => TABLES.map((table) => `events of main.${table}`)),
          events.map(([, fields]) => `events of ${decodeDirtyEvent(fields[1] ?? Buffer.alloc(0)).entity}`),
        ),
        ...deadLetters.map(
          ({ entry, code }): Difference => ({
            kind: 'unexpected',
            what: `dead letter of repair entry ${entry} with code ${code}`,
          }),
        ),
      ],
    };
  }
}

/** Adds the whole entry to its stream again, instead of its remaining work. */
async function redriveWhole(redis: Redis, { id, entry }: LazyDeadLetter): Promise<void> {
  const key = `${LAZY_STREAM}:dead-letters`;
  const [letter] = await redis.xrangeBuffer(key, id, id);
  const fields = letter?.[1] ?? [];
  const body = fields[fields.findIndex((field) => field.toString() === 'original.s') + 1];
  if (body === undefined) return;
  await redis.xadd(LAZY_STREAM, '*', 's', body, 'background-consumer.entry', entry);
  await redis.xdel(key, id);
}

async function readCodes(mysql: Connection, table: string): Promise<string[]> {
  const [rows] = await mysql.query<RowDataPacket[]>(`SELECT Code FROM ${table}`);
  return rows.map((row) => `${String(row['Code'])} in ${table}`);
}

async function readLogCodes(mysql: Connection, table: string): Promise<string[]> {
  const [rows] = await mysql.query<RowDataPacket[]>(
    `SELECT JSON_UNQUOTE(JSON_EXTRACT(changes, '$.Code')) AS Code FROM ${POOL}._log_${POOL}_${table}`,
  );
  return rows.map((row) => `${String(row['Code'])} in log of ${table}`);
}
