import { textToBinary } from '../binary-string.ts';
import { readMessagePack, wireResult } from './decode-messagepack.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import { map, text } from './message-fields.ts';
import type { WireError } from './wire-error.ts';

/**
 * An entry of `orm-stream-garbage-collector`: a request to delete the entries that a group's streams no longer need.
 */
export interface GarbageEvent {
  /** Without the namespace. */
  readonly group: string;
  /** Code of a Redis pool. */
  readonly pool: string;
}

export type GarbageEventResult =
  | { readonly ok: true; readonly event: GarbageEvent }
  | { readonly ok: false; readonly error: WireError };

const GROUP_KEY = textToBinary('Group');
const POOL_KEY = textToBinary('Pool');

/** Decodes the body (field `s`). Never throws. */
export function decodeGarbageEvent(body: Uint8Array): GarbageEventResult {
  return wireResult(() => {
    const fields = map(readMessagePack(body), 'garbage event');
    const event = { group: text(fields.get(GROUP_KEY), 'Group'), pool: text(fields.get(POOL_KEY), 'Pool') };
    return { ok: true, event };
  });
}

/** The body of an entry, as BeeORM writes it. */
export function encodeGarbageEvent({ group, pool }: GarbageEvent): Buffer {
  return encodeMessagePack(
    new Map([
      [GROUP_KEY, textToBinary(group)],
      [POOL_KEY, textToBinary(pool)],
    ]),
  );
}
