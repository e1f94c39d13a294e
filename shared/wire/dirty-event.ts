import { textToBinary } from '../binary-string.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import type { MessageMap } from './message-value.ts';

const ID_KEY = textToBinary('I');

/** The body (field `s`) to publish: `event` with `I` replaced by the row's id, all else as it came. */
export function encodeDirtyEvent(event: MessageMap, id: bigint): Buffer {
  // Setting a key that is there keeps its place, so the bytes are those that BeeORM writes.
  return encodeMessagePack(new Map(event).set(ID_KEY, id));
}
