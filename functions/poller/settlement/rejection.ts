/** Why an entry must not run. An earlier drain may have applied a part of it. */
export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
}

export type RejectionCode =
  | 'undecodable'
  | 'unknown-pool'
  | 'refused-statement'
  | 'kills-consumer'
  | 'deleted-entry'
  | 'underivable-index'
  | 'unwritable-document';

export interface Rejected {
  readonly ok: false;
  readonly rejection: Rejection;
}

export function reject(code: RejectionCode, message: string): Rejected {
  return { ok: false, rejection: { code, message } };
}
