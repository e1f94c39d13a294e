import { isUtf8 } from 'node:buffer';
import { bytesToBinary } from '../../../shared/binary-string.ts';
import { decodeMessagePack } from '../../../shared/wire/decode-messagepack.ts';
import { messageToJson } from '../../../shared/wire/json.ts';
import type { MessageValue } from '../../../shared/wire/message-value.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-reads.ts';
import type { BodyEncoding } from './entry-handler.ts';

/** An entry's field `s` in a form that fits into JSON. */
export interface EntryBody {
  readonly text: string;
  readonly encoding: BodyEncoding;
  /** Where it was MessagePack or JSON. */
  readonly value: MessageValue | unknown;
}

/**
 * MessagePack becomes JSON, JSON stays as it is, to the byte; anything else becomes base64. No field `s` (an event of tags
 * only) is `null`. A single byte can be both, and is MessagePack then, as that is what BeeORM writes.
 */
export function readBody(entry: StreamEntry): EntryBody {
  const bytes = fieldValue(entry, 's');
  if (bytes === undefined) return { text: 'null', encoding: 'json', value: null };
  const decoded = decodeMessagePack(bytes);
  if (decoded.ok) {
    return { text: messageToJson(decoded.value, safeInteger), encoding: 'json', value: decoded.value };
  }
  return readJson(bytes) ?? { text: bytes.toString('base64'), encoding: 'base64', value: undefined };
}

/** JSON.parse would round what JavaScript's numbers can't hold to another id: as a text it stays what it is. */
function safeInteger(integer: bigint): string {
  const isSafe = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
  return isSafe ? String(integer) : `"${integer}"`;
}

function readJson(bytes: Buffer): EntryBody | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  try {
    return { text, encoding: 'json', value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Member of a map in the body, as a text that is equal for equal values; undefined where there is none. */
export function bodyMember({ value }: EntryBody, name: string): string | undefined {
  if (value instanceof Map) {
    const member: MessageValue | undefined = value.get(bytesToBinary(Buffer.from(name)));
    return member === undefined || member === null ? undefined : messageToJson(member, safeInteger);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const member: unknown = new Map(Object.entries(value)).get(name);
  return member === undefined || member === null ? undefined : JSON.stringify(member);
}
