import type { BinaryString } from '../../../shared/binary-string.ts';
import type { DeadLetterWrite } from '../redis/settle-script.ts';
import { fieldValue, type StreamEntry } from '../redis/stream-reads.ts';

/** An entry, or what is left of it, that was set aside since it can't be applied. */
export interface DeadLetter {
  /** Stream that the entry came from, without namespace; the dead letter is in {@link deadLetterStream} of it. */
  readonly stream: string;
  /** Id of the dead letter itself. */
  readonly id: string;
  /** Id that the entry had at first, before any redrive. */
  readonly entry: string;
  readonly group: string;
  /** MySQL's number, or a name of ours such as `undecodable`. */
  readonly code: string;
  /** MySQL's words, which may hold values of a row: to be shown to who asks for it, never to be logged. */
  readonly message: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly failedAt: string;
  readonly unapplied: Unapplied;
  /** The entry's fields in their order, byte for byte. */
  readonly original: readonly (readonly [name: BinaryString, value: BinaryString])[];
}

/** What of an entry is left to do: places in the lists of its event. */
export interface Unapplied {
  /** Nothing of the entry was done; the lists are empty, for it may not even be readable. */
  readonly all: boolean;
  readonly statements: readonly number[];
  readonly logs: readonly number[];
  readonly dirty: readonly number[];
  /** Places among the keys of all Redis pools, one list after the other. */
  readonly cacheKeys: readonly number[];
  /** Ids that rows to come have got meanwhile, by the place of their log value or dirty event. */
  readonly logIds: Readonly<Record<string, string>>;
  readonly dirtyIds: Readonly<Record<string, string>>;
  /** Of a dirty event that is published in some of its streams only: the streams it still lacks. */
  readonly dirtyStreams: Readonly<Record<string, readonly string[]>>;
}

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

/** Name of the stream in the same Redis pool that contains a stream's dead letters. */
export function deadLetterStream(stream: string): string {
  return `${stream}:dead-letters`;
}

/** Which dead letters are meant: those that match all that is given. */
export interface DeadLetterFilter {
  /** Stream that the entries came from, without namespace. */
  readonly stream?: string;
  /** Id of the dead letter. */
  readonly id?: string;
  readonly code?: string;
  /** Of `stream`: only dead letters after this id, for reading on where a page ended. */
  readonly after?: string;
}

export interface DeadLetterOperations {
  /** Page by page, so that memory stays flat; stream by stream, in the order of their names, the oldest first. */
  list(filter: DeadLetterFilter): AsyncIterable<DeadLetter>;
  /** Puts each entry back at its stream's end, with only what is left to do, and removes the dead letter, in one step. */
  redrive(filter: DeadLetterFilter): Promise<{ readonly redriven: number }>;
  /** Removes dead letters for good. */
  discard(filter: DeadLetterFilter): Promise<{ readonly discarded: number }>;
}

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
      ['attempts', String(attemptsBefore + entry.deliveries)],
      ['code', failure.code],
      ['message', failure.message],
      ['failed_at', new Date().toISOString()],
      ['unapplied', JSON.stringify(unapplied)],
    ],
  };
}

/** Whether the entry was redriven for another group of its stream: this group has nothing to do then. */
export function isForAnotherGroup(entry: StreamEntry, group: string): boolean {
  const redrivenFor = fieldValue(entry, GROUP_FIELD)?.toString();
  return redrivenFor !== undefined && redrivenFor !== group;
}
