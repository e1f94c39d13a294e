import { ASYNC_CONSUMER_GROUP } from '../../../shared/registry/beeorm-names.ts';
import type { WireError } from '../../../shared/wire/wire-error.ts';
import type { FencedGroup } from '../redis/fenced-group.ts';
import type { DeadLetterWrite } from '../redis/settle-script.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-entry.ts';
import { deadLetterOf } from './dead-letter-entry.ts';
import { DEAD_LETTERED, type EntryOutcome, SETTLED, STAYS_PENDING } from './entry-outcome.ts';
import { rejectUntried } from './poison.ts';
import { type Rejected, type Rejection, reject } from './rejection.ts';
import type { Settler } from './settler.ts';

/*
 * Settles entries that are done as a whole or not at all, and whose effects can be repeated.
 */

export interface SettlementContext {
  readonly fenced: FencedGroup;
  readonly settler: Settler;
}

interface Decoded<Event> {
  readonly ok: true;
  readonly event: Event;
}

/** What the entry asks for, or why it must become a dead letter. */
export function judgeEntry<Event>(
  entry: StreamEntry,
  decode: (body: Uint8Array) => Decoded<Event> | { readonly ok: false; readonly error: WireError },
): Decoded<Event> | Rejected {
  const rejected = rejectUntried(entry);
  if (rejected !== undefined) return rejected;
  const body = fieldValue(entry, 's');
  if (body === undefined) return reject('undecodable', 'the entry has no field s');
  const decoded = decode(body);
  return decoded.ok ? decoded : reject('undecodable', decoded.error.message);
}

export function acknowledge(context: SettlementContext, entry: StreamEntry): Promise<EntryOutcome> {
  return settleWhole(context, entry, undefined, SETTLED);
}

/** The entry cannot be applied: it becomes a dead letter as it is. */
export function moveToDeadLetters(
  context: SettlementContext,
  entry: StreamEntry,
  rejection: Rejection,
): Promise<EntryOutcome> {
  const deadLetter = deadLetterOf(context.fenced.stream, entry, ASYNC_CONSUMER_GROUP, rejection);
  return settleWhole(context, entry, deadLetter, DEAD_LETTERED);
}

async function settleWhole(
  { fenced, settler }: SettlementContext,
  { id }: StreamEntry,
  deadLetter: DeadLetterWrite | undefined,
  outcome: EntryOutcome,
): Promise<EntryOutcome> {
  const { stream, group } = fenced;
  const result = await settler.settle({ stream, group, id, cacheKeys: [], publications: [], deadLetter });
  if (result.kind === 'already') return SETTLED;
  return result.kind === 'settled' ? outcome : STAYS_PENDING;
}
