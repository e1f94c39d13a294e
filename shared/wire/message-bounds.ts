import { WireFormatError } from './wire-error.ts';

const NONE = 0;
/** A length follows the head: the number of bytes (strings, binaries, extensions) or of values (arrays, maps). */
const BYTES = 1;
const EXTENSION = 2;
const ARRAY = 3;
const MAP = 4;
const INVALID = 5;

/**
 * For the heads 0xc0 to 0xdf: what the length counts, and how many bytes follow the head, not including a counted
 * payload.
 */
const HEADS: readonly (readonly [counts: number, bytes: number])[] = [
  [NONE, 0], // c0 nil
  [INVALID, 0],
  [NONE, 0], // c2 false
  [NONE, 0], // c3 true
  [BYTES, 1], // c4 to c6: binary
  [BYTES, 2],
  [BYTES, 4],
  [EXTENSION, 1], // c7 to c9
  [EXTENSION, 2],
  [EXTENSION, 4],
  [NONE, 4], // ca, cb: floats
  [NONE, 8],
  [NONE, 1], // cc to cf: unsigned
  [NONE, 2],
  [NONE, 4],
  [NONE, 8],
  [NONE, 1], // d0 to d3: signed
  [NONE, 2],
  [NONE, 4],
  [NONE, 8],
  [NONE, 2], // d4 to d8: extensions of 1, 2, 4, 8, 16 bytes and their type
  [NONE, 3],
  [NONE, 5],
  [NONE, 9],
  [NONE, 17],
  [BYTES, 1], // d9 to db: string
  [BYTES, 2],
  [BYTES, 4],
  [ARRAY, 2], // dc, dd
  [ARRAY, 4],
  [MAP, 2], // de, df
  [MAP, 4],
];

/**
 * Walks over a MessagePack value without allocating, and throws unless the value fills `bytes` exactly.
 *
 * The library allocates an array by the length in its head. Five damaged bytes would allocate gigabytes, and a limit on
 * each length doesn't help with nested arrays. After this walk, the sum of all lengths is known not to exceed the
 * number of bytes.
 *
 * @throws {@link WireFormatError}
 */
export function assertLengthsFit(bytes: Uint8Array): void {
  let position = 0;
  // Number of values that must follow. Each takes at least one byte, so more values than bytes means a damaged length.
  let outstanding = 1;
  while (outstanding > 0) {
    if (outstanding > bytes.length - position)
      throw new WireFormatError(`Truncated, or a damaged length before byte ${position}`);
    outstanding--;
    const head = bytes[position++] ?? 0;
    if (head < 0x80 || head >= 0xe0) continue; // an integer in the head itself
    if (head >= 0xa0 && head < 0xc0) position += head & 0x1f;
    else if (head >= 0x90 && head < 0xa0) outstanding += head & 0x0f;
    else if (head < 0x90) outstanding += 2 * (head & 0x0f);
    else {
      const [counts, size] = HEADS[head - 0xc0] ?? [INVALID, 0];
      if (counts === INVALID)
        throw new WireFormatError(`Byte ${position - 1} does not begin a MessagePack value`);
      const length = counts === NONE ? 0 : readLength(bytes, position, size);
      position += size;
      if (counts === BYTES) position += length;
      else if (counts === EXTENSION) position += 1 + length;
      else outstanding += counts === MAP ? 2 * length : length;
    }
  }
  // A payload that extends past the end is found here if it is the last one, otherwise above.
  if (position > bytes.length)
    throw new WireFormatError(`Truncated: ${position - bytes.length} bytes are missing`);
  if (position < bytes.length)
    throw new WireFormatError(`${bytes.length - position} bytes after the end of the value`);
}

function readLength(bytes: Uint8Array, position: number, size: number): number {
  let length = 0;
  for (let index = position; index < position + size; index++) length = length * 256 + (bytes[index] ?? 0);
  return length;
}
