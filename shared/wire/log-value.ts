import { type BinaryString, textToBinary } from '../binary-string.ts';
import { wireResult } from './decode-messagepack.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import { Message, type MessagePart } from './message.ts';
import { isAbsent, optionalMap, timestamp } from './message-fields.ts';
import type { MessageMap, MessageValue, Timestamp } from './message-value.ts';
import { type WireError, WireFormatError } from './wire-error.ts';

/** A row to insert into a log table: an entry of `orm-log-channel`, or an element of a lazy event's `l`. */
export interface LogValue {
  /** MySQL pool of the log table. */
  readonly pool: string;
  readonly table: BinaryString;
  /** ID of the entity; 0 in the `l` of an insert whose ID MySQL chooses. */
  readonly id: bigint;
  readonly meta: MessageMap | null;
  readonly before: MessageMap | null;
  readonly changes: MessageMap | null;
  /** Within the years 0 to 9999, the range of MySQL. */
  readonly updated: Timestamp;
}

export type LogValueResult =
  | { readonly ok: true; readonly log: LogValue }
  | { readonly ok: false; readonly error: WireError };

const KEYS = {
  pool: textToBinary('PoolName'),
  table: textToBinary('TableName'),
  id: textToBinary('ID'),
  logId: textToBinary('LogID'),
  meta: textToBinary('Meta'),
  before: textToBinary('Before'),
  changes: textToBinary('Changes'),
  updated: textToBinary('Updated'),
};

const YEAR_0_SECONDS = -62_167_219_200n;
const YEAR_1_SECONDS = -62_135_596_800n;
const YEAR_10000_SECONDS = 253_402_300_800n;

/** Go's zero time, which a missing field of a struct has. */
const ZERO_TIME: Timestamp = { seconds: YEAR_1_SECONDS, nanoseconds: 0 };

/** Decodes the body (field `s`) of an entry of `orm-log-channel`. Never throws. */
export function decodeLogValue(body: Uint8Array): LogValueResult {
  return wireResult(() => {
    const message = new Message(body);
    return { ok: true, log: readLogValue(message, message.root) };
  });
}

/** @throws {@link WireFormatError} */
export function readLogValue(message: Message, part: MessagePart): LogValue {
  const fields = message.map(part, 'log value');
  return {
    pool: message.text(fields[KEYS.pool], 'PoolName'),
    table: message.binary(fields[KEYS.table], 'TableName'),
    id: message.optionalId(fields[KEYS.id], 'ID'),
    meta: optionalMap(message.value(fields[KEYS.meta]), 'Meta'),
    before: optionalMap(message.value(fields[KEYS.before]), 'Before'),
    changes: optionalMap(message.value(fields[KEYS.changes]), 'Changes'),
    updated: readUpdated(message.value(fields[KEYS.updated])),
  };
}

function readUpdated(value: MessageValue | undefined): Timestamp {
  const updated = isAbsent(value) ? ZERO_TIME : timestamp(value, 'Updated');
  if (updated.seconds < YEAR_0_SECONDS || updated.seconds >= YEAR_10000_SECONDS)
    throw new WireFormatError('Updated: expected a time within the years 0 to 9999');
  return updated;
}

/** The body of an entry of `orm-log-channel`, as BeeORM writes it. */
export function encodeLogValue(log: LogValue): Buffer {
  return encodeMessagePack(logValueToMap(log));
}

export function logValueToMap(log: LogValue): MessageMap {
  return new Map<BinaryString, MessageValue>([
    [KEYS.pool, textToBinary(log.pool)],
    [KEYS.table, log.table],
    [KEYS.id, log.id],
    [KEYS.logId, 0],
    [KEYS.meta, log.meta],
    [KEYS.before, log.before],
    [KEYS.changes, log.changes],
    [KEYS.updated, log.updated],
  ]);
}
