import type { SQSEvent, SQSRecord, SQSRecordAttributes } from 'aws-lambda';
import type { StageFailure } from '../../../../shared/operations.ts';

/** An entry as a handler gets it: in the shape in which Lambda delivers messages of SQS. */
export interface EntryRecord extends SQSRecord {
  readonly attributes: SQSRecordAttributes & {
    /** Whether `body` is the JSON of field `s`, or the base64 of its bytes. */
    readonly bodyEncoding: BodyEncoding;
  };
}

export type BodyEncoding = 'json' | 'base64';

export interface EntryEvent extends SQSEvent {
  Records: EntryRecord[];
}

/**
 * What came of an invocation.
 *
 * - `answered`: the handler returned; its reply says what failed.
 * - `failed`: it threw, or ended without a reply.
 * - `unavailable`: it could not be asked, through no fault of the entries, which are tried again without counting.
 */
export type HandlerAnswer =
  | { readonly kind: 'answered'; readonly reply: unknown }
  | { readonly kind: 'failed'; readonly failure: HandlerFailure }
  | { readonly kind: 'unavailable'; readonly failure: HandlerFailure };

export interface HandlerFailure {
  /** A short name, which is logged. */
  readonly code: string;
  /** May quote an entry: for its dead letter, never for the log. */
  readonly message: string;
}

/** Takes entries that a stream's group has not yet acknowledged. May get an entry more than once. */
export interface EntryHandler {
  /** Never rejects. `signal`: there is no more waiting for the answer. */
  invoke(event: EntryEvent, signal: AbortSignal): Promise<HandlerAnswer>;
  /** Why it can't be invoked; undefined where it can. Does not run it. */
  probe?(): Promise<StageFailure | undefined>;
  close?(): void;
}

const MAX_MESSAGE_LENGTH = 2000;

/** What a dead letter says of an error: `TypeError: …`, not endlessly. */
export function handlerFailed(errorName: string, message: string): HandlerAnswer {
  return {
    kind: 'failed',
    failure: { code: 'handler-failed', message: `${errorName}: ${message}`.slice(0, MAX_MESSAGE_LENGTH) },
  };
}
