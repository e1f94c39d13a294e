import type { MessageMap } from './message-value.ts';

/** The body to publish: `event` with `I` replaced by the row's id. */
export function encodeDirtyEvent(_event: MessageMap, _id: bigint): Buffer {
  throw new Error('not written yet');
}
