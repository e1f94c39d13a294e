import { textToBinary } from '../binary-string.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import type { MessageMap } from './message-value.ts';

const ID_KEY = textToBinary('I');

/** The body (field `s`) to publish: `event` with `I` replaced by the row's ID, and everything else unchanged. */
export function encodeDirtyEvent(event: MessageMap, id: bigint): Buffer {
  // Setting an existing key keeps its position, so the bytes are the same as BeeORM's.
  return encodeMessagePack(new Map(event).set(ID_KEY, id));
}
