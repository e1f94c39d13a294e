import { bytesToBinary } from '../binary-string.ts';
import { isList, isMap } from './message-fields.ts';
import type { MessageMap, MessageValue, Timestamp } from './message-value.ts';
import { timestampBytes } from './timestamp.ts';

const UINT32_MAX = 0xffff_ffff;
const INT32_MIN = -0x8000_0000;

/** How a type encodes its length: inside the head itself below `fixedLimit`, otherwise in 1, 2 or 4 bytes. */
interface LengthHeads {
  readonly fixed: number;
  readonly fixedLimit: number;
  readonly oneByte?: number;
  readonly twoBytes: number;
  readonly fourBytes: number;
}

const STRING_HEADS: LengthHeads = {
  fixed: 0xa0,
  fixedLimit: 32,
  oneByte: 0xd9,
  twoBytes: 0xda,
  fourBytes: 0xdb,
};
const BINARY_HEADS: LengthHeads = { fixed: 0, fixedLimit: 0, oneByte: 0xc4, twoBytes: 0xc5, fourBytes: 0xc6 };
const ARRAY_HEADS: LengthHeads = { fixed: 0x90, fixedLimit: 16, twoBytes: 0xdc, fourBytes: 0xdd };
const MAP_HEADS: LengthHeads = { fixed: 0x80, fixedLimit: 16, twoBytes: 0xde, fourBytes: 0xdf };

const scratch = Buffer.alloc(8);

/**
 * Encodes a value in the shortest form, byte for byte like BeeORM's encoder.
 *
 * The library for decoding cannot do this: it writes every string as UTF-8, but BeeORM's strings need not be UTF-8. The
 * message is built as a string with one character per byte, and converted to bytes at the end.
 */
export function encodeMessagePack(value: MessageValue): Buffer {
  return Buffer.from(encodeValue(value), 'latin1');
}

function encodeValue(value: MessageValue): string {
  if (typeof value === 'string') return encodeLength(STRING_HEADS, value.length) + value;
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'bigint') return encodeBigInt(value);
  if (value === null) return '\xc0';
  if (typeof value === 'boolean') return value ? '\xc3' : '\xc2';
  if (value instanceof Uint8Array) return encodeLength(BINARY_HEADS, value.byteLength) + bytesToBinary(value);
  if (isList(value)) return encodeLength(ARRAY_HEADS, value.length) + value.map(encodeValue).join('');
  return isMap(value) ? encodeMap(value) : encodeTimestamp(value);
}

function encodeMap(map: MessageMap): string {
  let encoded = encodeLength(MAP_HEADS, map.size);
  for (const [key, value] of map) encoded += encodeValue(key) + encodeValue(value);
  return encoded;
}

/** A number beyond 32 bits is a float (see {@link MessageValue}), and so is -0, which integers lack. */
function encodeNumber(value: number): string {
  if (!Number.isInteger(value) || value > UINT32_MAX || value < INT32_MIN || Object.is(value, -0)) {
    scratch.writeDoubleBE(value);
    return `\xcb${scratch.toString('latin1')}`;
  }
  if (value >= 0) return encodeUnsigned(value);
  if (value >= -0x20) return String.fromCharCode(0x100 + value);
  if (value >= -0x80) return `\xd0${bigEndian(value, 1)}`;
  return value >= -0x8000 ? `\xd1${bigEndian(value, 2)}` : `\xd2${bigEndian(value, 4)}`;
}

function encodeUnsigned(value: number): string {
  if (value < 0x80) return String.fromCharCode(value);
  if (value < 0x100) return `\xcc${bigEndian(value, 1)}`;
  return value < 0x1_0000 ? `\xcd${bigEndian(value, 2)}` : `\xce${bigEndian(value, 4)}`;
}

function encodeBigInt(value: bigint): string {
  if (value >= INT32_MIN && value <= UINT32_MAX) return encodeNumber(Number(value));
  scratch.writeBigUInt64BE(BigInt.asUintN(64, value));
  return (value < 0n ? '\xd3' : '\xcf') + scratch.toString('latin1');
}

function encodeTimestamp(timestamp: Timestamp): string {
  const data = bytesToBinary(timestampBytes(timestamp));
  const head = data.length === 12 ? '\xc7\x0c' : data.length === 8 ? '\xd7' : '\xd6';
  return `${head}\xff${data}`;
}

function encodeLength(heads: LengthHeads, length: number): string {
  if (length < heads.fixedLimit) return String.fromCharCode(heads.fixed + length);
  if (heads.oneByte !== undefined && length < 0x100) return String.fromCharCode(heads.oneByte, length);
  if (length < 0x1_0000) return String.fromCharCode(heads.twoBytes) + bigEndian(length, 2);
  return String.fromCharCode(heads.fourBytes) + bigEndian(length, 4);
}

/** The lowest `size` bytes of a 32-bit integer, in two's complement. */
function bigEndian(value: number, size: 1 | 2 | 4): string {
  let bytes = '';
  for (let shift = 8 * (size - 1); shift >= 0; shift -= 8)
    bytes += String.fromCharCode((value >> shift) & 0xff);
  return bytes;
}
