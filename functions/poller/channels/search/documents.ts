import { type BinaryString, binaryToBytes } from '../../../../shared/binary-string.ts';
import type { TableRow } from '../../../../shared/protocol.ts';
import { documentValue } from './document-value.ts';
import type { SearchIndex } from './search-index.ts';
import type { UnixTime } from './unix-time.ts';

/** A hash to write to Redis. */
export interface Document {
  readonly key: string;
  /** Alternating field names and values. */
  readonly pairs: readonly (string | Buffer)[];
}

export function toDocument(
  { prefix, fields }: SearchIndex,
  [id, ...values]: TableRow,
  unixTime: UnixTime,
): Document {
  const pairs = fields.flatMap(({ name, type }, index) => [
    toArgument(name),
    toArgument(documentValue(type, values[index] ?? null, unixTime)),
  ]);
  return { key: prefix + id, pairs };
}

/** Keeps pure ASCII as a string, which is sent faster than a buffer. */
function toArgument(value: BinaryString): string | Buffer {
  return /^[\0-\x7f]*$/.test(value) ? value : binaryToBytes(value);
}
