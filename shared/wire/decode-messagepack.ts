import { Decoder } from '@msgpack/msgpack';
import { asBinary, type BinaryString, bytesToBinary, textToBinary } from '../binary-string.ts';
import { KeyCache } from './key-cache.ts';
import { assertLengthsFit } from './message-bounds.ts';
import type { MessageMap, MessageValue } from './message-value.ts';
import { DecodedTimestamp, timestampCodec } from './timestamp.ts';
import { type WireError, WireFormatError } from './wire-error.ts';

/**
 * Deeper than every event. Without a limit, nested values would overflow the stack, here or in code that walks the
 * value.
 */
const MAX_DEPTH = 64;

const FIXED_STRING = 0xa0;
const BINARY_8 = 0xc4;
const BINARY_16 = 0xc5;
const BINARY_32 = 0xc6;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;

const keys = new KeyCache();

const decoder = new Decoder({
  rawStrings: true,
  useBigInt64: true,
  extensionCodec: timestampCodec,
  // Read keys as raw bytes too: decoded as UTF-8, different invalid keys would become equal.
  keyDecoder: {
    canBeCached: () => true,
    decode: (bytes, offset, length) => keys.read(bytes, offset, length),
  },
  mapKeyConverter: keyToString,
});

export type MessagePackResult =
  | { readonly ok: true; readonly value: MessageValue }
  | { readonly ok: false; readonly error: WireError };

/** Decodes one MessagePack value that fills `bytes`. Never throws, and allocates in proportion to `bytes`. */
export function decodeMessagePack(bytes: Uint8Array): MessagePackResult {
  return wireResult(() => ({ ok: true, value: readMessagePack(bytes) }));
}

/** Like {@link decodeMessagePack}, but throws. For decoders that run inside {@link wireResult}. */
export function readMessagePack(bytes: Uint8Array): MessageValue {
  return toMessageValue(decodeRaw(bytes), bytes);
}

/** A map in the form of the library, and so are its values. */
export type RawMap = Readonly<Record<string, unknown>>;

/**
 * A value in the form of the library: strings and binaries are views into `bytes`, and maps are objects whose keys are
 * raw bytes.
 *
 * @throws Error if `bytes` are not exactly one value
 */
export function decodeRaw(bytes: Uint8Array): unknown {
  assertLengthsFit(bytes);
  return decoder.decode(bytes);
}

export function isRawMap(raw: unknown): raw is RawMap {
  return (
    typeof raw === 'object' &&
    raw !== null &&
    !Array.isArray(raw) &&
    !(raw instanceof Uint8Array) &&
    !(raw instanceof DecodedTimestamp)
  );
}

export function isRawString(raw: unknown, message: Uint8Array): raw is Uint8Array {
  return raw instanceof Uint8Array && !isBinaryType(raw, message);
}

/** Runs a decoder, and returns everything that it throws as an error value. */
export function wireResult<Result>(
  decode: () => Result,
): Result | { readonly ok: false; readonly error: WireError } {
  try {
    return decode();
  } catch (error) {
    return { ok: false, error: { message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Converts the result of `decodeRaw(message)`, or a part of it, to a value that doesn't depend on `message`. */
export function toMessageValue(raw: unknown, message: Uint8Array, depth = 0): MessageValue {
  if (raw === null || typeof raw === 'number' || typeof raw === 'bigint' || typeof raw === 'boolean')
    return raw;
  if (raw instanceof Uint8Array) return isBinaryType(raw, message) ? raw : bytesToBinary(raw);
  if (raw instanceof DecodedTimestamp) return raw;
  if (depth === MAX_DEPTH) throw new WireFormatError(`Nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(raw)) return raw.map((item: unknown) => toMessageValue(item, message, depth + 1));
  if (isRawMap(raw)) return toMessageMap(raw, message, depth + 1);
  throw new WireFormatError(`A value of unexpected type ${typeof raw}`);
}

function toMessageMap(raw: RawMap, message: Uint8Array, depth: number): MessageMap {
  const map = new Map<BinaryString, MessageValue>();
  // Keys come from KeyCache and keyToString: one character, one byte.
  for (const key in raw) map.set(asBinary(key), toMessageValue(raw[key], message, depth));
  return map;
}

function keyToString(key: unknown): string {
  if (typeof key === 'string') return key;
  if (key instanceof Uint8Array) return bytesToBinary(key);
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean' || key === null)
    return textToBinary(String(key));
  throw new WireFormatError('A map key that is a list, a map or a time');
}

/**
 * True if raw bytes have MessagePack's binary type. The library returns strings and binaries alike, as views into the
 * message, so this function reads the head before them. Only one of the possible heads has a length field that equals
 * the view's length.
 */
function isBinaryType(view: Uint8Array, message: Uint8Array): boolean {
  const start = view.byteOffset - message.byteOffset;
  const length = view.byteLength;
  const before = message[start - 1];
  if (length < 32 && before === FIXED_STRING + length) return false;
  if (before === length) {
    const head = message[start - 2];
    if (head === BINARY_8 || head === STRING_8) return head === BINARY_8;
  }
  // Zeros precede a short length in a long field, and zeros are not a head.
  const head = message[start - 3];
  const length16 = 256 * (message[start - 2] ?? 0) + (before ?? 0);
  if (length16 === length && (head === BINARY_16 || head === STRING_16)) return head === BINARY_16;
  return message[start - 5] === BINARY_32;
}
