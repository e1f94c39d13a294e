import { deadLetterStream, type Unapplied } from '../../../shared/dead-letter.ts';
import type { DeadLetterWrite } from '../redis/settle-script.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-entry.ts';

export const NOTHING_APPLIED: Unapplied = {
  all: true,
  statements: [],
  logs: [],
  dirty: [],
  cacheKeys: [],
  logIds: {},
  dirtyIds: {},
  dirtyStreams: {},
};

/** Fields that a redriven entry has in addition to its own: BeeORM reads them as tags of the event. */
export const FIRST_ENTRY_FIELD = 'background-consumer.entry';
export const ATTEMPTS_FIELD = 'background-consumer.attempts';
/** The group whose dead letter it was: the stream's other groups have already handled the entry. */
export const GROUP_FIELD = 'background-consumer.group';
export const REDRIVE_FIELDS: ReadonlySet<string> = new Set([FIRST_ENTRY_FIELD, ATTEMPTS_FIELD, GROUP_FIELD]);

/**
 * The dead letter of an entry. Its attempts add up over all redrives.
 *
 * @param stream the entry's stream as named in Redis
 * @param group as the registry names it
 * @param unapplied the remaining work; by default the whole entry
 */
export function deadLetterOf(
  stream: string,
  entry: StreamEntry,
  group: string,
  failure: { readonly code: string; readonly message: string },
  unapplied: Unapplied = NOTHING_APPLIED,
): DeadLetterWrite {
  const attemptsBefore = Number(fieldValue(entry, ATTEMPTS_FIELD) ?? 0);
  return {
    stream: deadLetterStream(stream),
    fields: [
      ['entry', fieldValue(entry, FIRST_ENTRY_FIELD)?.toString() ?? entry.id],
      ['group', group],
      ['attempts', String(attemptsBefore + entry.earlierAttempts + 1)],
      ['code', failure.code],
      ['message', failure.message],
      ['failed_at', new Date().toISOString()],
      ['unapplied', JSON.stringify(unapplied)],
    ],
  };
}

/** True if the entry was redriven for another group of its stream: this group has nothing to do then. */
export function isForAnotherGroup(entry: StreamEntry, group: string): boolean {
  const redrivenFor = fieldValue(entry, GROUP_FIELD)?.toString();
  return redrivenFor !== undefined && redrivenFor !== group;
}
