import { isUtf8 } from 'node:buffer';
import { decode } from '@msgpack/msgpack';

/** A decoded lazy event. `sql` need not be UTF-8, so it is a string with one character per byte. */
export type LazyEvent = {
  readonly statements: readonly { readonly pool: string; readonly sql: string }[];
  /** The entity id of each statement; 0 for an insert. */
  readonly ids: readonly string[];
  readonly cacheKeys: readonly { readonly pool: string; readonly key: string }[];
  readonly logValues: readonly LogValue[];
  readonly dirtyEvents: readonly (DirtyEvent & { readonly streams: readonly string[] })[];
};

export type LogValue = {
  readonly pool: string;
  readonly table: string;
  readonly id: string;
  readonly updated: Date;
  /** `meta`, `before` and `changes` are JSON, or `null`. */
  readonly meta: string | null;
  readonly before: string | null;
  readonly changes: string | null;
};

export type DirtyEvent = { readonly entity: string; readonly action: string; readonly id: string };

/** @throws {Error} if the bytes are not a lazy event */
export function decodeLazyEvent(body: Buffer): LazyEvent {
  const event = mapOf(decodeValue(body));
  return {
    statements: listOf(event['q']).map((statement) => {
      const [pool, sql] = listOf(statement);
      return { pool: textOf(pool), sql: bytesOf(sql).toString('latin1') };
    }),
    ids: listOf(event['i']).map(idOf),
    cacheKeys: Object.entries(mapOf(event['cr'] ?? {})).flatMap(([pool, keys]) =>
      listOf(keys).map((key) => ({ pool, key: textOf(key) })),
    ),
    logValues: listOf(event['l']).map(logValueOf),
    dirtyEvents: listOf(event['d']).map((value) => {
      const { Event, Streams } = mapOf(value);
      return { ...dirtyEventOf(Event), streams: listOf(Streams).map(textOf) };
    }),
  };
}

/** @throws {Error} if the bytes are not a log value */
export function decodeLogValue(body: Buffer): LogValue {
  return logValueOf(decodeValue(body));
}

/** @throws {Error} if the bytes are not a dirty event */
export function decodeDirtyEvent(body: Buffer): DirtyEvent {
  return dirtyEventOf(decodeValue(body));
}

function decodeValue(body: Buffer): unknown {
  const maxLength = body.length;
  return decode(body, {
    useBigInt64: true,
    rawStrings: true,
    maxBinLength: maxLength,
    maxArrayLength: maxLength,
    maxMapLength: maxLength,
    maxExtLength: maxLength,
  });
}

function logValueOf(value: unknown): LogValue {
  const log = mapOf(value);
  return {
    pool: textOf(log['PoolName']),
    table: textOf(log['TableName']),
    id: idOf(log['ID']),
    updated: dateOf(log['Updated']),
    meta: jsonOrNull(log['Meta']),
    before: jsonOrNull(log['Before']),
    changes: jsonOrNull(log['Changes']),
  };
}

function dirtyEventOf(value: unknown): DirtyEvent {
  const { E, A, I } = mapOf(value);
  return { entity: textOf(E), action: textOf(A), id: idOf(I) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function mapOf(value: unknown): Record<string, unknown> {
  if (!isMap(value)) throw new Error('not a map');
  return value;
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error('not an array');
  return value;
}

function bytesOf(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw new Error('not a string');
  return Buffer.from(value);
}

function textOf(value: unknown): string {
  return bytesOf(value).toString('utf8');
}

function idOf(value: unknown): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  throw new Error('not an integer');
}

function dateOf(value: unknown): Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw new Error('not a time');
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined || value === null ? null : toJson(mapOf(value));
}

/** Integers keep all their digits. A string that is not UTF-8 becomes base64. */
function toJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    return JSON.stringify(bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64'));
  }
  if (Array.isArray(value)) return `[${value.map(toJson).join()}]`;
  if (!isMap(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`);
  return `{${members.join()}}`;
}
