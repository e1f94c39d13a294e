import type { BinaryString } from '../../shared/binary-string.ts';

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

/** What of an entry is left to do: indexes into the lists of its event. */
export interface Unapplied {
  readonly statements: readonly number[];
  readonly logs: readonly number[];
  readonly dirty: readonly number[];
  readonly cacheKeys: readonly number[];
}

/** Which dead letters are meant: those that match all that is given. */
export interface DeadLetterFilter {
  /** Stream that the entries came from, without namespace. */
  readonly stream?: string;
  /** Id of the dead letter. */
  readonly id?: string;
  readonly code?: string;
}

export interface DeadLetterOperations {
  /** Page by page, so that memory stays flat; stream by stream, the oldest first. */
  list(filter: DeadLetterFilter): AsyncIterable<DeadLetter>;
  /** Puts each entry back at its stream's end, with only what is left to do, and removes the dead letter, in one step. */
  redrive(filter: DeadLetterFilter): Promise<{ readonly redriven: number }>;
  /** Removes dead letters for good. */
  discard(filter: DeadLetterFilter): Promise<{ readonly discarded: number }>;
}

/** Name of the stream in the same Redis pool that holds a stream's dead letters. */
export function deadLetterStream(stream: string): string {
  return `${stream}:dead-letters`;
}
