import * as z from 'zod';
import type { BinaryString } from './binary-string.ts';

const bytes = z.custom<BinaryString>((value) => typeof value === 'string');
const indexes = z.array(z.number()).readonly();
const idsByIndex = z.record(z.string(), z.string()).readonly();

/** The work of an entry that has not been done, as indexes into the lists of its event. */
export const unappliedSchema = z
  .object({
    /** Nothing of the entry was done. The lists are empty, because the entry may not even be readable. */
    all: z.boolean(),
    statements: indexes,
    logs: indexes,
    dirty: indexes,
    /** Indexes into the keys of all Redis pools, one list after the other. */
    cacheKeys: indexes,
    /** IDs that were assigned to future rows in the meantime, by the index of their log value or dirty event. */
    logIds: idsByIndex,
    dirtyIds: idsByIndex,
    /** For a dirty event that was published to only some of its streams: the streams that still lack it. */
    dirtyStreams: z.record(z.string(), z.array(z.string()).readonly()).readonly(),
  })
  .readonly();
export type Unapplied = z.infer<typeof unappliedSchema>;

export const deadLetterSchema = z
  .object({
    /** Stream that the entry came from, without namespace; the dead letter is in its {@link deadLetterStream}. */
    stream: z.string(),
    /** ID of the dead letter itself. */
    id: z.string(),
    /** ID of the original entry, before any redrive. */
    entry: z.string(),
    group: z.string(),
    /** MySQL's error number, or a name of this project such as `undecodable`. */
    code: z.string(),
    /** MySQL's message, which may contain values of a row: shown to the operator who asks for it, never logged. */
    message: z.string(),
    attempts: z.number(),
    /** ISO 8601. */
    failedAt: z.string(),
    unapplied: unappliedSchema,
    /** The entry's fields in their order, byte for byte. */
    original: z
      .array(z.tuple([bytes, bytes]).readonly())
      .readonly()
      .default([]),
  })
  .readonly();

/** An entry, or its remaining work, that was moved out of its stream because it cannot be applied. */
export type DeadLetter = z.output<typeof deadLetterSchema>;

/** A dead letter in a page, which includes `original` only if one dead letter was requested by its ID. */
export type ListedDeadLetter = z.input<typeof deadLetterSchema>;

export const streamName = z.string().min(1);
export const deadLetterId = z.string().regex(/^\d{1,20}-\d{1,20}$/);

/** Selects the dead letters that match every given field. */
export const deadLetterFilterSchema = z
  .strictObject({
    /** Stream that the entries came from, without namespace. */
    stream: streamName.exactOptional(),
    /** ID of the dead letter. */
    id: deadLetterId.exactOptional(),
    code: z.string().min(1).exactOptional(),
  })
  .readonly();
export type DeadLetterFilter = z.infer<typeof deadLetterFilterSchema>;

export interface RedriveResult {
  readonly redriven: number;
  /** Dead letters of deleted entries, which have no fields to append. They remain. Absent if there are none. */
  readonly refused?: number;
}

export interface DeadLetterOperations {
  /** Reads page by page, so that memory stays flat. Ordered by stream name, oldest first. */
  list(filter: DeadLetterFilter): AsyncIterable<DeadLetter>;
  /** Appends each entry to its stream with only its remaining work, and removes the dead letter, in one step. */
  redrive(filter: DeadLetterFilter): Promise<RedriveResult>;
  /** Deletes dead letters permanently. */
  discard(filter: DeadLetterFilter): Promise<{ readonly discarded: number }>;
}

/** Name of the stream in the same Redis pool that holds a stream's dead letters. */
export function deadLetterStream(stream: string): string {
  return `${stream}:dead-letters`;
}
