import { type BinaryString, bytesToBinary } from '../binary-string.ts';

/** A power of two. If an application has more names, some share a slot and replace each other. */
const SLOTS = 1024;
const MAX_LENGTH = 64;

/**
 * Caches map keys, which repeat in every entry: decoding a key takes four times as long as finding it here. Keys are
 * raw bytes: decoded as UTF-8, different invalid keys would become equal.
 */
export class KeyCache {
  readonly #keys: (BinaryString | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The key of `length` bytes at `offset`. */
  read(bytes: Uint8Array, offset: number, length: number): BinaryString {
    if (length > MAX_LENGTH) return bytesToBinary(bytes.subarray(offset, offset + length));
    let hash = length;
    for (let index = 0; index < length; index++)
      hash = (Math.imul(hash, 31) + (bytes[offset + index] ?? 0)) | 0;
    const slot = hash & (SLOTS - 1);
    const known = this.#keys[slot];
    if (known !== undefined && isAt(known, bytes, offset, length)) return known;
    const key = bytesToBinary(bytes.subarray(offset, offset + length));
    this.#keys[slot] = key;
    return key;
  }
}

function isAt(key: BinaryString, bytes: Uint8Array, offset: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let index = 0; index < length; index++)
    if (key.charCodeAt(index) !== bytes[offset + index]) return false;
  return true;
}
