import type { StreamEntry } from '../redis/stream-entry.ts';
import { type Rejected, reject } from './rejection.ts';

/*
 * A poison entry kills the process that handles it, so it is delivered again and again without an answer. Only attempts of
 * this consumer are evidence of that: see attempt-counts.ts.
 */

/** Counted attempts without an answer from which on an entry may be poison: from then on it is tried alone. */
export const POSSIBLY_POISON_FROM = 2;

/** Attempts alone, each counted before it begins, after which the entry becomes a dead letter. */
const MAX_ATTEMPTS_ALONE = 4;

export function mayBePoison(entry: StreamEntry): boolean {
  return entry.fields !== undefined && entry.earlierAttempts >= POSSIBLY_POISON_FROM;
}

/** Look-ups of a poison entry in the ledger, each counted before it begins, after which it is set aside without one. */
const MAX_LOOK_UPS = 4;

/** True if merely decoding the entry seems to kill the process. Then none of it can have been applied. */
export function isUnreadable({ earlierAttempts }: StreamEntry): boolean {
  return earlierAttempts >= POSSIBLY_POISON_FROM + MAX_ATTEMPTS_ALONE + MAX_LOOK_UPS;
}

/** Rejects an entry that was deleted from its stream while it was pending. */
export function rejectDeleted(entry: StreamEntry): Rejected | undefined {
  if (entry.fields !== undefined) return undefined;
  return reject('deleted-entry', 'the entry was deleted from the stream while it was pending');
}

/** Rejects an entry whose content does not matter: it was deleted, or it is poison. */
export function rejectUntried(entry: StreamEntry): Rejected | undefined {
  const deleted = rejectDeleted(entry);
  if (deleted !== undefined || entry.earlierAttempts < POSSIBLY_POISON_FROM + MAX_ATTEMPTS_ALONE)
    return deleted;
  const attempts = `${entry.earlierAttempts} attempts got no answer`;
  return reject('kills-consumer', `${attempts}, the last ${MAX_ATTEMPTS_ALONE} of them with the entry alone`);
}
