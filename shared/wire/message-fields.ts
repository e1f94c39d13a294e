import { type BinaryString, binaryToDisplayText } from '../binary-string.ts';
import type { MessageMap, MessageValue, Timestamp } from './message-value.ts';
import { DecodedTimestamp } from './timestamp.ts';
import { WireFormatError } from './wire-error.ts';

/*
 * Checks of decoded values. `path` is the location of the value, such as `q[][1]`. It is a constant, because building
 * it for each value would take longer than the check. Each check throws a WireFormatError that contains the path and
 * types, never a value.
 */

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

export function optionalMap(value: MessageValue | undefined, path: string): MessageMap | null {
  return isAbsent(value) ? null : map(value, path);
}

export function map(value: MessageValue | undefined, path: string): MessageMap {
  if (isMap(value)) return value;
  throw unexpected(path, 'a map', value);
}

/** Raw bytes. */
function binary(value: MessageValue | undefined, path: string): BinaryString {
  if (typeof value === 'string') return value;
  throw unexpected(path, 'a string', value);
}

/** A name of the configuration, such as a pool's. Bytes that are not UTF-8 result in a name that doesn't exist. */
export function text(value: MessageValue | undefined, path: string): string {
  return binaryToName(binary(value, path));
}

export function binaryToName(name: BinaryString): string {
  const { length } = name;
  for (let index = 0; index < length; index++)
    if (name.charCodeAt(index) >= 0x80) return binaryToDisplayText(name);
  return name; // ASCII, like nearly all names: its characters are its bytes
}

/** An ID: an integer from 0 to 2^64 - 1. Nil and missing values are 0. */
export function optionalId(value: MessageValue | undefined, path: string): bigint {
  if (isAbsent(value)) return 0n;
  const id = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof id === 'bigint' && id >= 0n && id <= MAX_UINT64) return id;
  throw unexpected(path, 'an integer of 0 or more', value);
}

export function timestamp(value: MessageValue | undefined, path: string): Timestamp {
  if (value instanceof DecodedTimestamp) return value;
  throw unexpected(path, 'a timestamp', value);
}

export function isAbsent(value: MessageValue | undefined): value is null | undefined {
  return value === undefined || value === null;
}

export function isList(value: MessageValue | undefined): value is readonly MessageValue[] {
  return Array.isArray(value);
}

export function isMap(value: MessageValue | undefined): value is MessageMap {
  return value instanceof Map;
}

export function unexpected(path: string, expected: string, found: MessageValue | undefined): WireFormatError {
  return new WireFormatError(`${path}: expected ${expected}, found ${typeName(found)}`);
}

function typeName(value: MessageValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nil';
  if (isMap(value) || isList(value)) return isMap(value) ? 'a map' : 'a list';
  if (typeof value === 'object') return value instanceof Uint8Array ? 'binary' : 'a timestamp';
  return typeof value === 'bigint' ? 'a number' : `a ${typeof value}`;
}
