import { fieldValue, type StreamEntry, withoutBody } from '../../redis/stream-entry.ts';
import type { EntryOutcome } from '../../settlement/entry-outcome.ts';
import type { StreamBinding } from './binding.ts';
import type { Delivery } from './delivery.ts';
import { type EntryBody, readBody } from './entry-body.ts';
import type { EntryRecord } from './entry-handler.ts';
import { entryRecord } from './entry-record.ts';

const BODY_MEMBER = 's.';

/** Creates the delivery of an entry. `source` is the name of its stream and group in the record. */
export function readDelivery(
  whole: StreamEntry,
  { ordering }: Pick<StreamBinding, 'ordering'>,
  source: string,
  finish: (outcome: EntryOutcome) => void,
): Delivery {
  const body = readBody(whole);
  const orderKey = ordering === 'none' ? undefined : orderKeyOf(whole, body, ordering.field);
  const entry = withoutBody(whole);
  const firstDeliveredAt = Date.now() - (entry.idleMs ?? 0);
  const attempts = entry.earlierAttempts;
  const recordOf = (number: number): EntryRecord =>
    entryRecord(entry, body, source, orderKey, { number, firstDeliveredAt });
  const delivery: Delivery = {
    entry,
    orderKey,
    bytes: Buffer.byteLength(JSON.stringify(recordOf(attempts + 1))),
    firstDeliveredAt,
    mayBePoison: attempts > 0,
    attempts,
    nextRecord: () => recordOf(delivery.attempts + 1),
    finish,
  };
  return delivery;
}

function orderKeyOf(entry: StreamEntry, body: EntryBody, field: string): string | undefined {
  const value = fieldValue(entry, field)?.toString('latin1');
  if (value !== undefined || !field.startsWith(BODY_MEMBER)) return value;
  return body.member(field.slice(BODY_MEMBER.length));
}
