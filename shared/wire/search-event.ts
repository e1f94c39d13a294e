import { textToBinary } from '../binary-string.ts';
import { readMessagePack, wireResult } from './decode-messagepack.ts';
import { map, text } from './message-fields.ts';
import type { WireError } from './wire-error.ts';

/** An entry of `orm-redis-search-channel`: a request to rewrite all documents of an index. */
interface SearchEvent {
  /** Without the namespace. */
  readonly index: string;
}

export type SearchEventResult =
  | { readonly ok: true; readonly event: SearchEvent }
  | { readonly ok: false; readonly error: WireError };

const INDEX_KEY = textToBinary('Index');

/** Decodes the body (field `s`). Never throws. */
export function decodeSearchEvent(body: Uint8Array): SearchEventResult {
  return wireResult(() => {
    const fields = map(readMessagePack(body), 'search event');
    return { ok: true, event: { index: text(fields.get(INDEX_KEY), 'Index') } };
  });
}
