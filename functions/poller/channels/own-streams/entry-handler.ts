import type { SQSEvent, SQSRecord, SQSRecordAttributes } from 'aws-lambda';
import type { StageFailure } from '../../../../shared/operations.ts';

/** An entry as the handler receives it: in the format in which Lambda delivers SQS messages. */
export interface EntryRecord extends SQSRecord {
  readonly attributes: SQSRecordAttributes & {
    /** `json` if `body` is the JSON of field `s`, `base64` if it is the base64 of its bytes. */
    readonly bodyEncoding: BodyEncoding;
  };
}

export type BodyEncoding = 'json' | 'base64';

export interface EntryEvent extends SQSEvent {
  Records: EntryRecord[];
}

/**
 * The result of an invocation.
 *
 * - `answered`: the handler returned; its reply lists the entries that failed.
 * - `failed`: the handler threw, or ended without a reply.
 * - `unavailable`: the handler could not be invoked. The entries did not cause this, so they are retried without using up
 *   an attempt.
 */
export type HandlerAnswer =
  | { readonly kind: 'answered'; readonly reply: unknown }
  | { readonly kind: 'failed'; readonly failure: HandlerFailure }
  | { readonly kind: 'unavailable'; readonly failure: HandlerFailure };

export interface HandlerFailure {
  /** A short name that is written to the log. */
  readonly code: string;
  /** May quote an entry, so it goes into the dead letter and must never be logged. */
  readonly message: string;
}

/** Handles entries that a stream's group has not acknowledged yet. May receive an entry more than once. */
export interface EntryHandler {
  /** Never rejects. `signal` aborts when the caller stops waiting for the answer. */
  invoke(event: EntryEvent, signal: AbortSignal): Promise<HandlerAnswer>;
  /** Returns why the handler cannot be invoked; undefined if it can. Does not run the handler. */
  probe?(): Promise<StageFailure | undefined>;
  close?(): void;
}

const MAX_MESSAGE_LENGTH = 2000;

/** The failure that a dead letter records for an error: `TypeError: …`, truncated. */
export function handlerFailed(errorName: string, message: string): HandlerAnswer {
  return {
    kind: 'failed',
    failure: { code: 'handler-failed', message: `${errorName}: ${message}`.slice(0, MAX_MESSAGE_LENGTH) },
  };
}
