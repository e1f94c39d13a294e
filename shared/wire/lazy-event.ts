import type { BinaryString } from '../binary-string.ts';
import type { LogValue } from './log-value.ts';
import type { MessageMap } from './message-value.ts';
import type { WireError } from './wire-error.ts';

export interface LazyStatement {
  /** MySQL pool. */
  readonly pool: string;
  readonly sql: BinaryString;
}

export interface CacheKeys {
  readonly redisPool: string;
  /** Without namespace; one that ends in `:0` names a row to come. */
  readonly keys: readonly BinaryString[];
}

/** An event to publish once its row is written. */
export interface DirtyEvent {
  /** What is published: `I`, `A`, `E` and whatever else was there, in the order of the wire. */
  readonly event: MessageMap;
  /** `I`; 0 for an insert, where it stands for the row's id. */
  readonly id: bigint;
  /** `E`, the entity's Go type. */
  readonly entity: string;
  /** `A`: `i`, `u` or `d`. */
  readonly action: string;
  readonly streams: readonly string[];
}

/** An entry of `orm-lazy-channel`. What the event lacks is empty here. */
export interface LazyEvent {
  readonly statements: readonly LazyStatement[];
  /** One for each statement: the row's id, or 0. */
  readonly ids: readonly bigint[];
  readonly cacheKeys: readonly CacheKeys[];
  readonly logs: readonly LogValue[];
  readonly dirty: readonly DirtyEvent[];
}

export type LazyEventResult =
  | { readonly ok: true; readonly event: LazyEvent }
  | { readonly ok: false; readonly error: WireError };

export function decodeLazyEvent(_body: Uint8Array): LazyEventResult {
  throw new Error('not written yet');
}

export function encodeLazyEvent(_event: LazyEvent): Buffer {
  throw new Error('not written yet');
}
