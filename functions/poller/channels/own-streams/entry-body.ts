import { isUtf8 } from 'node:buffer';
import { textToBinary } from '../../../../shared/binary-string.ts';
import { decodeMessagePack } from '../../../../shared/wire/decode-messagepack.ts';
import { messageToJson } from '../../../../shared/wire/json.ts';
import { isMap } from '../../../../shared/wire/message-fields.ts';
import { fieldValue, type StreamEntry } from '../../redis/stream-entry.ts';
import type { BodyEncoding } from './entry-handler.ts';

/** An entry's field `s` as text that can be embedded in JSON. */
export interface EntryBody {
  readonly text: string;
  readonly encoding: BodyEncoding;
  /** A member of a body that is a map, as text that is identical for equal values; undefined if there is none. */
  readonly member: (name: string) => string | undefined;
}

/**
 * Converts MessagePack to JSON, keeps JSON unchanged, byte for byte, and encodes anything else as base64. An entry
 * without field `s` (an event with tags only) gets the body `null`. A single byte can be valid as both MessagePack and
 * JSON, and is read as MessagePack, because that is what BeeORM writes.
 */
export function readBody(entry: StreamEntry): EntryBody {
  const bytes = fieldValue(entry, 's');
  if (bytes === undefined) return { text: 'null', encoding: 'json', member: () => undefined };
  return (
    readMessagePackBody(bytes) ??
    readJsonBody(bytes) ?? { text: bytes.toString('base64'), encoding: 'base64', member: () => undefined }
  );
}

function readMessagePackBody(bytes: Buffer): EntryBody | undefined {
  const decoded = decodeMessagePack(bytes);
  if (!decoded.ok) return undefined;
  const { value } = decoded;
  return {
    text: messageToJson(value, safeInteger),
    encoding: 'json',
    member: (name) => {
      const member = isMap(value) ? value.get(textToBinary(name)) : undefined;
      return member === undefined || member === null ? undefined : messageToJson(member, safeInteger);
    },
  };
}

/** Writes integers outside JavaScript's safe range as strings: JSON.parse would round an ID to a different one. */
function safeInteger(integer: bigint): string {
  const isSafe = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
  return isSafe ? String(integer) : `"${integer}"`;
}

function readJsonBody(bytes: Buffer): EntryBody | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return { text, encoding: 'json', member: (name) => jsonMember(value, name) };
  } catch {
    return undefined;
  }
}

function jsonMember(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const member: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return member === undefined || member === null ? undefined : JSON.stringify(member);
}
