import type { Redis } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import * as z from 'zod';
import type { Difference } from '../../kit/difference.ts';
import { encode, Time, type WireValue } from '../../kit/generate/messagepack.ts';
import { connectRedis } from '../../kit/state.ts';
import { LAZY_STREAM } from '../../kit/test-registry.ts';
import type { Application } from '../chaos-servers.ts';
import type { WorkloadName } from '../safeguards.ts';

/** Adds entries of one kind bit by bit, and checks at the end that the consumer has processed them as promised. */
export interface Workload {
  readonly name: WorkloadName;
  /** False once there are no more entries to add. */
  readonly hasMore: boolean;
  /** Adds about this many entries. */
  add(count: number): Promise<void>;
  /** Makes what a paused consumer has read out of date. A workload without this method gets one more entry instead. */
  supersede?(): Promise<void>;
  /** Adds the remaining entries. Afterwards everything is drained a last time. */
  addRemaining(): Promise<void>;
  /** Called whenever everything is drained: checks what later entries would cover up. */
  checkDrained?(): Promise<void>;
  /** Redrives its dead letters and returns their number. Called after the last drain, until there are none left. */
  redriveAll?(): Promise<number>;
  check(): Promise<CheckResult>;
}

export interface CheckResult {
  /** Counts for the report, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly differences: readonly Difference[];
}

/** Connects for one task only, because servers are restarted between tasks. */
export async function withRedis<Result>(
  { registry }: Application,
  code: 'default' | 'shop',
  task: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const pool = registry.redis.get(code);
  if (pool === undefined) throw new Error(`the registry has no Redis pool '${code}'`);
  const redis = connectRedis(pool);
  try {
    return await task(redis);
  } finally {
    redis.disconnect();
  }
}

/** Connects to the MySQL server without choosing a database. Several statements may be sent as one text. */
export async function withMysql<Result>(
  { registry }: Application,
  task: (mysql: Connection) => Promise<Result>,
): Promise<Result> {
  const pool = registry.mysql.get('default');
  if (pool === undefined) throw new Error("the registry has no MySQL pool 'default'");
  const { host, port, user, password } = pool;
  const mysql = await createConnection({ host, port, user, password, multipleStatements: true });
  try {
    return await task(mysql);
  } finally {
    mysql.destroy();
  }
}

/** Adds an entry to the lazy stream and returns its ID. */
export async function addLazyEntry(redis: Redis, event: WireValue): Promise<string> {
  return String(await redis.xadd(LAZY_STREAM, '*', 's', encode(event)));
}

/** The log value of an inserted row, as BeeORM writes it. */
export function logValueOfInsert(pool: string, table: string, code: string): WireValue {
  return {
    PoolName: pool,
    TableName: `_log_${pool}_${table}`,
    ID: 0,
    LogID: 0,
    Meta: null,
    Before: null,
    Changes: { Code: code },
    Updated: new Time(1_700_000_000, 0),
  };
}

export function createLogTable(pool: string, table: string): string {
  return `CREATE TABLE ${pool}._log_${pool}_${table} (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    entity_id bigint unsigned NOT NULL, added_at datetime NOT NULL, meta json, \`before\` json, changes json);`;
}

/** A dead letter of the lazy stream: its own ID, and the ID of the entry that it came from. */
export interface LazyDeadLetter {
  readonly id: string;
  readonly entry: string;
  readonly code: string;
}

/** The dead letters of the given entries of the lazy stream. */
export async function readLazyDeadLetters(
  redis: Redis,
  entries: ReadonlySet<string>,
): Promise<LazyDeadLetter[]> {
  const letters = await redis.xrange(`${LAZY_STREAM}:dead-letters`, '-', '+');
  return letters
    .map(([id, fields]) => {
      const value = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
      return { id, entry: value('entry'), code: value('code') };
    })
    .filter(({ entry }) => entries.has(entry));
}

/** A difference if the group has unread or pending entries, otherwise an empty list. */
export async function findUnfinished(redis: Redis, stream: string, group: string): Promise<Difference[]> {
  const { pending, unread } = await readProgress(redis, stream, group);
  if (pending === 0 && unread === 0) return [];
  return [{ kind: 'unfinished', what: `${stream}, group ${group}: ${pending} pending, ${unread} unread` }];
}

export interface Progress {
  readonly pending: number;
  readonly unread: number;
  readonly lastDeliveredId: string;
}

export async function readProgress(redis: Redis, stream: string, group: string): Promise<Progress> {
  const groups = z.array(z.array(z.unknown())).parse(await redis.xinfo('GROUPS', stream));
  const facts = groups.find((fact) => fact[fact.indexOf('name') + 1] === group) ?? [];
  const value = (name: string) => facts[facts.indexOf(name) + 1];
  const lastDeliveredId = String(value('last-delivered-id'));
  const unread = await redis.xrange(stream, `(${lastDeliveredId}`, '+');
  return { pending: Number(value('pending')), unread: unread.length, lastDeliveredId };
}
