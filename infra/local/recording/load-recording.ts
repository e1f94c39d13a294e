import { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import type { RecordedEntry, RecordedValue, Recording } from './recording.ts';
import { redisPoolCodes, retargetRegistry, type TargetServers } from './target-servers.ts';

const ROWS_PER_INSERT = 1000;
const ENTRIES_PER_PIPELINE = 1000;

/**
 * Loads a recording into servers that do not contain it yet: databases, rows, then stream entries with their recorded
 * ids.
 * @returns the registry of the application, with the addresses of these servers
 */
export async function loadRecording(recording: Recording, targets: TargetServers): Promise<string> {
  await loadDatabases(recording, targets);
  for (const pool of redisPoolCodes(recording.registryYaml)) {
    const entries = recording.entries.filter((entry) => entry.pool === pool);
    await loadStreams(entries, pool, targets);
  }
  return retargetRegistry(recording.registryYaml, targets);
}

async function loadDatabases(
  recording: Recording,
  { mysql, databasePrefix = '' }: TargetServers,
): Promise<void> {
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password, multipleStatements: true });
  try {
    // Rows are inserted table by table, in an order that violates foreign keys; an id may be 0.
    await connection.query(
      "SET FOREIGN_KEY_CHECKS = 0, sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')",
    );
    await connection.query(prefixDatabases(recording.schemaSql, databasePrefix));
    for (const [table, rows] of Object.entries(recording.rows)) {
      for (let start = 0; start < rows.length; start += ROWS_PER_INSERT)
        await insertRows(connection, `${databasePrefix}${table}`, rows.slice(start, start + ROWS_PER_INSERT));
    }
  } finally {
    await connection.end();
  }
}

function prefixDatabases(schemaSql: string, prefix: string): string {
  return schemaSql.replaceAll(/^(CREATE DATABASE IF NOT EXISTS|USE) `(\w+)`/gm, `$1 \`${prefix}$2\``);
}

async function insertRows(
  connection: Connection,
  table: string,
  rows: Recording['rows'][string],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values = rows.map((row) => columns.map((column) => toParameter(row[column])));
  await connection.query('INSERT INTO ?? (??) VALUES ?', [table, columns, values]);
}

function toParameter(value: RecordedValue | undefined): string | number | null | Buffer {
  if (typeof value === 'object' && value !== null) return Buffer.from(value.base64, 'base64');
  return value ?? null;
}

async function loadStreams(
  entries: readonly RecordedEntry[],
  pool: string,
  targets: TargetServers,
): Promise<void> {
  const { host, port, database, password } = targets.redis(pool);
  const redis = new Redis({ host, port, db: database, ...(password === undefined ? {} : { password }) });
  try {
    for (let start = 0; start < entries.length; start += ENTRIES_PER_PIPELINE)
      await addEntries(redis, entries.slice(start, start + ENTRIES_PER_PIPELINE));
  } finally {
    redis.disconnect();
  }
}

async function addEntries(redis: Redis, entries: readonly RecordedEntry[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { stream, id, fields } of entries) {
    const pairs = Object.entries(fields).flatMap(([name, value]) => [name, Buffer.from(value, 'base64')]);
    pipeline.xadd(stream, id, ...pairs);
  }
  // A pipeline resolves even if one of its commands failed.
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}
