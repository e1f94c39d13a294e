import type { ChainableCommander, Redis } from 'ioredis';
import { type BinaryString, binaryToBytes } from '../../../shared/binary-string.ts';
import type { TableRow } from '../../../shared/protocol.ts';
import { documentValue } from './document-value.ts';
import type { SearchIndex } from './search-index.ts';
import type { UnixTime } from './unix-time.ts';

/** Documents sent before their replies are waited for. */
const DOCUMENTS_AT_ONCE = 500;

/** A document's key holds something else. */
export class UnwritableDocumentError extends Error {
  override readonly name = 'UnwritableDocumentError';
}

/** Rejects with an {@link UnwritableDocumentError}, or as Redis does; documents may then be written in part. */
export async function writeDocuments(
  redis: Redis,
  index: SearchIndex,
  rows: readonly TableRow[],
  unixTime: UnixTime,
): Promise<void> {
  for (let start = 0; start < rows.length; start += DOCUMENTS_AT_ONCE) {
    const some = rows.slice(start, start + DOCUMENTS_AT_ONCE);
    const pipeline = redis.pipeline();
    for (const row of some) addDocument(pipeline, index, row, unixTime);
    const replies = (await pipeline.exec()) ?? [];
    for (const [place, [error]] of replies.entries()) {
      if (error !== null) throw toWriteError(error, index, some[place]);
    }
  }
}

function addDocument(
  pipeline: ChainableCommander,
  { prefix, fields }: SearchIndex,
  [id, ...values]: TableRow,
  unixTime: UnixTime,
): void {
  const pairs = fields.flatMap(({ name, type }, place) => [
    toArgument(name),
    toArgument(documentValue(type, values[place] ?? null, unixTime)),
  ]);
  pipeline.hset(prefix + id, ...pairs);
}

/** Text of ASCII alone is sent faster as it is. */
function toArgument(value: BinaryString): string | Buffer {
  return /^[\0-\x7f]*$/.test(value) ? value : binaryToBytes(value);
}

function toWriteError(error: Error, { prefix }: SearchIndex, row: TableRow | undefined): Error {
  if (!error.message.startsWith('WRONGTYPE')) return error;
  return new UnwritableDocumentError(`key ${prefix}${row?.[0] ?? ''} holds something other than a hash`);
}
