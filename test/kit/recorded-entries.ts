import type { Recording } from '../../infra/local/recording/recording.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';

/** The entries of a recording, with their fields decoded from base64. */
export function entriesOf({ entries }: Recording): StreamEntry[] {
  return entries.map(({ pool, stream, id, fields }) => {
    const decoded = Object.entries(fields).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]);
    return { pool, stream, id, fields: Object.fromEntries(decoded) };
  });
}
