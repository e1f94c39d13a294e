import { deadLetterStream } from '../../../shared/dead-letter.ts';
import { ASYNC_CONSUMER_GROUP } from '../../../shared/registry/beeorm-names.ts';
import type { WireError } from '../../../shared/wire/wire-error.ts';
import type { ChannelContext } from '../channels/channel.ts';
import type { Rejection } from '../channels/statements/plan.ts';
import { deadLetterFields } from '../dead-letters/dead-letter-fields.ts';
import type { Settlement } from '../redis/settle-script.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-reads.ts';
import { NOTHING_APPLIED } from './dead-letter-entry.ts';
import { DEAD_LETTERED, type EntryOutcome, SETTLED, STAYS_PENDING } from './entry-outcome.ts';
import { judgeDelivery } from './poison.ts';

/*
 * Settling of entries that are done as a whole or not at all, and whose effects can be repeated.
 */

type Decoded<Event> =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly error: WireError };

type Judged<Event> =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly rejection: Rejection };

/** What the entry asks for, or why it must be set aside. */
export function judgeEntry<Event>(
  entry: StreamEntry,
  decode: (body: Uint8Array) => Decoded<Event>,
): Judged<Event> {
  const judgedDelivery = judgeDelivery(entry);
  if (judgedDelivery?.ok === false) return judgedDelivery;
  const body = fieldValue(entry, 's');
  if (body === undefined) return undecodable('the entry has no field s');
  const decoded = decode(body);
  return decoded.ok ? decoded : undecodable(decoded.error.message);
}

function undecodable(message: string): Judged<never> {
  return { ok: false, rejection: { code: 'undecodable', message } };
}

/** The entry is done. */
export function acknowledge(context: ChannelContext, entry: StreamEntry): Promise<EntryOutcome> {
  return settleWhole(context, entry, undefined, SETTLED);
}

/** The entry can't be done: it becomes a dead letter as it is. */
export function moveToDeadLetters(
  context: ChannelContext,
  entry: StreamEntry,
  { code, message }: Rejection,
): Promise<EntryOutcome> {
  const deadLetter = {
    stream: deadLetterStream(context.fenced.stream),
    fields: [
      ...deadLetterFields(entry, ASYNC_CONSUMER_GROUP),
      ['code', code],
      ['message', message],
      ['failed_at', new Date().toISOString()],
      ['unapplied', JSON.stringify(NOTHING_APPLIED)],
    ] as const,
  };
  return settleWhole(context, entry, deadLetter, DEAD_LETTERED);
}

async function settleWhole(
  { fenced, settler }: ChannelContext,
  entry: StreamEntry,
  deadLetter: Settlement['deadLetter'],
  outcome: EntryOutcome,
): Promise<EntryOutcome> {
  const { stream, group } = fenced;
  const result = await settler.settle({
    stream,
    group,
    id: entry.id,
    cacheKeys: [],
    publications: [],
    deadLetter,
  });
  return result !== 'pending' && (result.kind === 'settled' || result.kind === 'already')
    ? outcome
    : STAYS_PENDING;
}
