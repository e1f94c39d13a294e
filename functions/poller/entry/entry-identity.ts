import { hash } from 'node:crypto';
import type { EntryIdentity } from '../ledger/work-item.ts';
import { isNamed, type StreamEntry } from '../redis/stream-reads.ts';

const HASH_BYTES = 8;

/** `stream`: Redis pool and stream, as the ledger names them. */
export function identify(stream: string, { id, fields = [] }: StreamEntry): EntryIdentity {
  const [only] = fields;
  // By far the most frequent: the body alone.
  if (only !== undefined && fields.length === 1 && isNamed(only[0], 's'))
    return { stream, id, hash: hash('sha1', only[1], 'hex').slice(0, 2 * HASH_BYTES) };
  const lengths = fields.flat().map(({ length }) => length);
  const content = Buffer.concat([Buffer.from(lengths.join(' ')), ...fields.flat()]);
  return { stream, id, hash: hash('sha1', content, 'hex').slice(0, 2 * HASH_BYTES) };
}
