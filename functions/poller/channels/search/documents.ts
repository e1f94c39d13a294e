import { type BinaryString, binaryToBytes } from '../../../../shared/binary-string.ts';
import type { TableRow } from '../../../../shared/protocol.ts';
import { documentValue } from './document-value.ts';
import type { SearchIndex } from './search-index.ts';
import type { UnixTime } from './unix-time.ts';

/** A hash as it is to stand in Redis. */
export interface Document {
  readonly key: string;
  /** Fields and values in turn. */
  readonly pairs: readonly (string | Buffer)[];
}

export function toDocument(
  { prefix, fields }: SearchIndex,
  [id, ...values]: TableRow,
  unixTime: UnixTime,
): Document {
  const pairs = fields.flatMap(({ name, type }, place) => [
    toArgument(name),
    toArgument(documentValue(type, values[place] ?? null, unixTime)),
  ]);
  return { key: prefix + id, pairs };
}

/** Text of ASCII alone is sent faster as it is. */
function toArgument(value: BinaryString): string | Buffer {
  return /^[\0-\x7f]*$/.test(value) ? value : binaryToBytes(value);
}
