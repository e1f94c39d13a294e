import { type BinaryString, bytesToBinary } from '../binary-string.ts';

/** A power of two: more names than an application's entities have columns share a place now and then, no more. */
const PLACES = 1024;
const MAX_LENGTH = 64;

/**
 * Names of maps, which repeat in every entry: reading one anew costs four times what it costs to find it. As raw bytes:
 * read as UTF-8, different invalid ones would become one.
 */
export class KeyCache {
  readonly #keys: (BinaryString | undefined)[] = new Array(PLACES).fill(undefined);

  /** The name of `length` bytes at `offset`. */
  read(bytes: Uint8Array, offset: number, length: number): BinaryString {
    if (length > MAX_LENGTH) return bytesToBinary(bytes.subarray(offset, offset + length));
    let hash = length;
    for (let index = 0; index < length; index++)
      hash = (Math.imul(hash, 31) + (bytes[offset + index] ?? 0)) | 0;
    const place = hash & (PLACES - 1);
    const known = this.#keys[place];
    if (known !== undefined && isAt(known, bytes, offset, length)) return known;
    const key = bytesToBinary(bytes.subarray(offset, offset + length));
    this.#keys[place] = key;
    return key;
  }
}

function isAt(key: BinaryString, bytes: Uint8Array, offset: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let index = 0; index < length; index++)
    if (key.charCodeAt(index) !== bytes[offset + index]) return false;
  return true;
}
