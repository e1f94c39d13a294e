import { createHash } from 'node:crypto';
import type { StreamEntry } from './redis/stream-reads.ts';
import type { EntryIdentity } from './work.ts';

const HASH_BYTES = 8;

/** `stream`: Redis pool and stream, as the ledger names them. */
export function identify(stream: string, { id, fields }: StreamEntry): EntryIdentity {
  const hash = createHash('sha1');
  for (const [name, value] of fields ?? []) {
    hash.update(`${name.length} ${value.length} `).update(name).update(value);
  }
  return { stream, id, hash: hash.digest('hex').slice(0, 2 * HASH_BYTES) };
}
