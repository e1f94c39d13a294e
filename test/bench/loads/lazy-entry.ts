import { textToBinary } from '../../../shared/binary-string.ts';
import { encodeLazyEvent } from '../../../shared/wire/encode-lazy-event.ts';
import type { LazyEvent } from '../../../shared/wire/lazy-event.ts';
import { LAZY_STREAM, type LoadEntry } from './load.ts';

/** An entry of the lazy stream with one statement. The `id` of an insert is 0. */
export function lazyEntry(
  sql: string,
  id: number,
  effects: Partial<Pick<LazyEvent, 'cacheKeys' | 'logs' | 'dirty'>> = {},
): LoadEntry {
  const statements = [{ pool: 'default', sql: textToBinary(sql) }];
  const event = { statements, ids: [BigInt(id)], cacheKeys: [], logs: [], dirty: [], ...effects };
  return { stream: LAZY_STREAM, body: encodeLazyEvent(event) };
}
