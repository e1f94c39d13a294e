import { type BinaryString, bytesToBinary } from '../binary-string.ts';
import { decodeRaw, isRawMap, isRawString, type RawMap, toMessageValue } from './decode-messagepack.ts';
import { binaryToName, optionalId, unexpected } from './message-fields.ts';
import type { MessageValue } from './message-value.ts';

/** As the library gives it; undefined where the map or list has none. */
export type MessagePart = unknown;

const NONE: readonly never[] = [];

/**
 * A MessagePack message whose parts are read where they are used. What an event is wrapped in is looked at once: making
 * values of it first would take longer than decoding it. `path` and errors are those of `message-fields.ts`.
 */
export class Message {
  readonly root: MessagePart;
  readonly #bytes: Uint8Array;

  /** Throws where `bytes` are not one value that fills them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.root = decodeRaw(bytes);
  }

  /** The part with all that is in it. */
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
