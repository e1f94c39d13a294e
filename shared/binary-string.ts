import { isUtf8 } from 'node:buffer';

/**
 * A string that represents raw bytes: each character is one byte (0 to 255), as in Node's `latin1`.
 *
 * BeeORM's strings are Go strings, which need not be UTF-8. In this form, JSON, concatenation and mysql2 preserve every
 * byte. A plain `string` (text) must be converted to bytes explicitly; otherwise it would be encoded twice.
 */
export type BinaryString = string & { readonly __bytes: unique symbol };

export function bytesToBinary(bytes: Uint8Array): BinaryString {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1') as BinaryString;
}

export function binaryToBytes(binary: BinaryString): Buffer {
  return Buffer.from(binary, 'latin1');
}

/**
 * ASCII text, such as SQL in the source code: its characters are its bytes. Not checked, because it runs per statement.
 */
export function ascii(text: string): BinaryString {
  return text as BinaryString;
}

/**
 * A string that was built from BinaryStrings and ASCII text, so that its characters are bytes already. Not checked,
 * because it runs per statement; a character above U+00FF would be truncated to its lowest byte when it is sent.
 */
export function asBinary(bytes: string): BinaryString {
  return bytes as BinaryString;
}

/** `String.prototype.slice` on bytes. */
export function sliceBinary(binary: BinaryString, start: number | undefined, end?: number): BinaryString {
  return binary.slice(start, end) as BinaryString;
}

/**
 * A copy that shares no memory with other strings. Anything that outlives a statement must be one: in V8, a part of a
 * string keeps the whole string in memory.
 */
export function copyBinary(binary: BinaryString): BinaryString {
  return bytesToBinary(binaryToBytes(binary));
}

/** `Array.prototype.join` on bytes; `separator` is ASCII. */
export function joinBinary(parts: readonly BinaryString[], separator: string): BinaryString {
  return parts.join(separator) as BinaryString;
}

const ASCII = /^[\0-\x7f]*$/;

/** The UTF-8 bytes of a text. */
export function textToBinary(text: string): BinaryString {
  if (ASCII.test(text)) return text as BinaryString;
  return Buffer.from(text, 'utf8').toString('latin1') as BinaryString;
}

/** The text if the bytes are valid UTF-8, otherwise `undefined`. */
export function binaryToText(binary: BinaryString): string | undefined {
  const bytes = binaryToBytes(binary);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** The text for display: bytes that are not UTF-8 become U+FFFD. */
export function binaryToDisplayText(binary: BinaryString): string {
  return binaryToBytes(binary).toString('utf8');
}
