import type { BinaryString } from '../binary-string.ts';

/** A point in time: whole seconds since 1970 (may be negative), and nanoseconds (0 to 999,999,999) after them. */
export interface Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** A map in its original order. Keys that were not strings (integers, booleans, …) are converted to text. */
export type MessageMap = ReadonlyMap<BinaryString, MessageValue>;

/**
 * A decoded MessagePack value.
 *
 * - `BinaryString`: a string, as raw bytes; `Uint8Array`: the binary type.
 * - `bigint`: an integer that was encoded in 64 bits.
 * - `number`: an integer of up to 32 bits, or a float. Beyond 32 bits, it is always a float. Within 32 bits, an
 *   integral float (5.0) equals the integer (5), as it does in JSON.
 */
export type MessageValue =
  | null
  | boolean
  | number
  | bigint
  | BinaryString
  | Uint8Array
  | Timestamp
  | readonly MessageValue[]
  | MessageMap;
