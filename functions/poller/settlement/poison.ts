import type { StreamEntry } from '../redis/stream-reads.ts';
import { type Rejected, reject } from './rejection.ts';

/*
 * A poison entry kills the process that handles it, so it is delivered again and again without an answer.
 */

/** Unanswered deliveries from which on an entry may be poison: from then on it is tried alone. */
export const POSSIBLY_POISON_FROM = 3;

/** Attempts alone, each counted before it begins, after which the entry becomes a dead letter. */
const MAX_ATTEMPTS_ALONE = 4;

export function mayBePoison(entry: StreamEntry): boolean {
  return entry.fields !== undefined && entry.deliveries >= POSSIBLY_POISON_FROM;
}

/** Rejects an entry that was deleted from its stream while it was pending. */
export function rejectDeleted(entry: StreamEntry): Rejected | undefined {
  if (entry.fields !== undefined) return undefined;
  return reject('deleted-entry', 'the entry was deleted from the stream while it was pending');
}

/** Rejects an entry whose content does not matter: it was deleted, or it is poison. */
export function rejectUntried(entry: StreamEntry): Rejected | undefined {
  const deleted = rejectDeleted(entry);
  if (deleted !== undefined || entry.deliveries < POSSIBLY_POISON_FROM + MAX_ATTEMPTS_ALONE) return deleted;
  const deliveries = `${entry.deliveries} deliveries got no answer`;
  return reject(
    'kills-consumer',
    `${deliveries}, the last ${MAX_ATTEMPTS_ALONE} of them with the entry alone`,
  );
}
