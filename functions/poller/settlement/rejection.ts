/** Why an entry becomes a dead letter as a whole, with none of its effects applied. */
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
