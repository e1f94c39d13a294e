import { type BinaryString, bytesToBinary } from '../binary-string.ts';
import { decodeRaw, isRawMap, isRawString, type RawMap, toMessageValue } from './decode-messagepack.ts';
import { binaryToName, optionalId, unexpected } from './message-fields.ts';
import type { MessageValue } from './message-value.ts';

/** A value in the form of the library; undefined if the map or list doesn't contain it. */
export type MessagePart = unknown;

const NONE: readonly never[] = [];

/**
 * A MessagePack message whose parts are converted only when they are used: converting the whole envelope of an event
 * would take longer than decoding it. `path` and errors are the same as in `message-fields.ts`.
 */
export class Message {
  readonly root: MessagePart;
  readonly #bytes: Uint8Array;

  /** @throws Error if `bytes` are not exactly one value */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.root = decodeRaw(bytes);
  }

  /** Converts the part and everything in it. */
  value(part: MessagePart): MessageValue | undefined {
    return part === undefined ? undefined : toMessageValue(part, this.#bytes);
  }

  map(part: MessagePart, path: string): RawMap {
    if (isRawMap(part)) return part;
    throw unexpected(path, 'a map', this.value(part));
  }

  optionalMap(part: MessagePart, path: string): RawMap | null {
    return part === undefined || part === null ? null : this.map(part, path);
  }

  list(part: MessagePart, path: string): readonly MessagePart[] {
    if (Array.isArray(part)) return part;
    throw unexpected(path, 'a list', this.value(part));
  }

  optionalList(part: MessagePart, path: string): readonly MessagePart[] {
    return part === undefined || part === null ? NONE : this.list(part, path);
  }

  binary(part: MessagePart, path: string): BinaryString {
    if (isRawString(part, this.#bytes)) return bytesToBinary(part);
    throw unexpected(path, 'a string', this.value(part));
  }

  text(part: MessagePart, path: string): string {
    return binaryToName(this.binary(part, path));
  }

  optionalId(part: MessagePart, path: string): bigint {
    return optionalId(this.value(part), path);
  }
}
