import type { BinaryString } from '../binary-string.ts';
import type { MessageMap, Timestamp } from './message-value.ts';
import type { WireError } from './wire-error.ts';

/** A row to come in a log table: an entry of `orm-log-channel`, or one of a lazy event's `l`. */
export interface LogValue {
  /** MySQL pool of the log table. */
  readonly pool: string;
  readonly table: BinaryString;
  /** Id of the entity; 0 in the `l` of an insert, where it stands for the row's id. */
  readonly id: bigint;
  readonly meta: MessageMap | null;
  readonly before: MessageMap | null;
  readonly changes: MessageMap | null;
  readonly updated: Timestamp;
}

export type LogValueResult =
  | { readonly ok: true; readonly log: LogValue }
  | { readonly ok: false; readonly error: WireError };

export function decodeLogValue(_body: Uint8Array): LogValueResult {
  throw new Error('not written yet');
}

export function encodeLogValue(_log: LogValue): Buffer {
  throw new Error('not written yet');
}
