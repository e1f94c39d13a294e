import { type Planned, reject } from '../channels/statements/plan.ts';
import type { StreamEntry } from '../redis/stream-reads.ts';

/** Deliveries without an answer from which an entry is suspected of killing the process: from then on it is tried alone. */
export const SUSPECTED_FROM = 3;

/** Attempts alone, each counted before it begins, after which a suspect is set aside. */
const ATTEMPTS_ALONE = 4;

export function isSuspect(entry: StreamEntry): boolean {
  return entry.fields !== undefined && entry.deliveries >= SUSPECTED_FROM;
}

/** A rejection where the entry is to be set aside whatever it holds. */
export function judgeDelivery(entry: StreamEntry): Planned | undefined {
  if (entry.fields === undefined)
    return reject('deleted-entry', 'the entry was pending, but somebody has deleted it from the stream');
  if (entry.deliveries < SUSPECTED_FROM + ATTEMPTS_ALONE) return undefined;
  const deliveries = `${entry.deliveries} deliveries ended without an answer`;
  return reject('kills-consumer', `${deliveries}, the last ${ATTEMPTS_ALONE} of this entry alone`);
}
