import { isUtf8 } from 'node:buffer';
import { textToBinary } from '../../../../shared/binary-string.ts';
import { decodeMessagePack } from '../../../../shared/wire/decode-messagepack.ts';
import { messageToJson } from '../../../../shared/wire/json.ts';
import { isMap } from '../../../../shared/wire/message-fields.ts';
import { fieldValue, type StreamEntry } from '../../redis/stream-reads.ts';
import type { BodyEncoding } from './entry-handler.ts';

/** An entry's field `s` in a form that fits into JSON. */
export interface EntryBody {
  readonly text: string;
  readonly encoding: BodyEncoding;
  /** A member of the map that it is, as a text that is the same for equal values; undefined where there is none. */
  readonly member: (name: string) => string | undefined;
}

/**
 * MessagePack becomes JSON, JSON stays as it is, to the byte; anything else becomes base64. No field `s` (an event of tags
 * only) is `null`. A single byte can be both, and is MessagePack then, as that is what BeeORM writes.
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

/** JSON.parse would round what JavaScript's numbers can't hold to another id: as a text it stays what it is. */
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
