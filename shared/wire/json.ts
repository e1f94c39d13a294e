import { type BinaryString, binaryToBytes, binaryToText } from '../binary-string.ts';
import { isList, isMap } from './message-fields.ts';
import type { MessageMap, MessageValue, Timestamp } from './message-value.ts';

/** Writes an integer that was 64 bits wide. */
type WriteInteger = (integer: bigint) => string;

/**
 * The JSON text of a decoded map, as in BeeORM's log tables: integers with all 64 bits, floats with all their digits
 * (NaN and the infinities, which JSON lacks, become null), binaries and non-UTF-8 strings as base64, times as RFC 3339
 * in UTC.
 */
export function messageMapToJson(map: MessageMap): string {
  return mapToJson(map, String);
}

/**
 * Like {@link messageMapToJson}, for any value. `writeInteger` returns the JSON of an integer that was 64 bits wide.
 */
export function messageToJson(value: MessageValue, writeInteger: WriteInteger): string {
  if (typeof value === 'string') return binaryToJson(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  if (typeof value === 'bigint') return writeInteger(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (isList(value)) return `[${value.map((item) => messageToJson(item, writeInteger)).join(',')}]`;
  return isMap(value) ? mapToJson(value, writeInteger) : JSON.stringify(timestampToText(value));
}

function mapToJson(map: MessageMap, writeInteger: WriteInteger): string {
  const members: string[] = [];
  for (const [key, value] of map) members.push(`${binaryToJson(key)}:${messageToJson(value, writeInteger)}`);
  return `{${members.join(',')}}`;
}

/** Characters that JSON doesn't escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

function binaryToJson(binary: BinaryString): string {
  if (PLAIN.test(binary)) return `"${binary}"`;
  return JSON.stringify(binaryToText(binary) ?? binaryToBytes(binary).toString('base64'));
}

/** `2026-11-22T14:53:07.741284Z`, as Go formats it: nanoseconds without trailing zeros. */
function timestampToText({ seconds, nanoseconds }: Timestamp): string {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return `${seconds}.${String(nanoseconds).padStart(9, '0')}`;
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${date.toISOString().slice(0, -'.000Z'.length)}${fraction && `.${fraction}`}Z`;
}
