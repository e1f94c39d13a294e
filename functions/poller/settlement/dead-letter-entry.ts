import type { Unapplied } from '../../../shared/dead-letter.ts';

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

/** Fields of a redriven entry beside its own: BeeORM takes them for tags of the event. */
export const FIRST_ENTRY_FIELD = 'background-consumer.entry';
export const ATTEMPTS_FIELD = 'background-consumer.attempts';
/** The group whose dead letter it was: the stream's other groups have had the entry before. */
export const GROUP_FIELD = 'background-consumer.group';
export const REDRIVE_FIELDS: ReadonlySet<string> = new Set([FIRST_ENTRY_FIELD, ATTEMPTS_FIELD, GROUP_FIELD]);
