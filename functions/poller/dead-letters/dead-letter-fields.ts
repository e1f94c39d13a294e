import type { DeadLetterFields } from '../redis/settle-script.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-reads.ts';
import { ATTEMPTS_FIELD, FIRST_ENTRY_FIELD, GROUP_FIELD } from '../settlement/dead-letter-entry.ts';

/** What a dead letter says of the entry itself: the id that it had at first, group, attempts over all its redrives. */
export function deadLetterFields(entry: StreamEntry, group: string): DeadLetterFields {
  const attemptsBefore = Number(fieldValue(entry, ATTEMPTS_FIELD) ?? 0);
  return [
    ['entry', fieldValue(entry, FIRST_ENTRY_FIELD)?.toString() ?? entry.id],
    ['group', group],
    ['attempts', String(attemptsBefore + entry.deliveries)],
  ];
}

/** Whether it was put back for another group of its stream: for this one there is nothing to do. */
export function isForAnotherGroup(entry: StreamEntry, group: string): boolean {
  const meant = fieldValue(entry, GROUP_FIELD)?.toString();
  return meant !== undefined && meant !== group;
}
