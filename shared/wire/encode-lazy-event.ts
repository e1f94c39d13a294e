import { type BinaryString, textToBinary } from '../binary-string.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import { type DirtyEvent, LAZY_EVENT_KEYS as KEYS, type LazyEvent } from './lazy-event.ts';
import { logValueToMap } from './log-value.ts';
import type { MessageMap, MessageValue } from './message-value.ts';

const OPERATIONS = { insert: textToBinary('i'), update: textToBinary('u') };
const ENTITY_ID_KEY = textToBinary('I');
const INSERT_VERB = /^\s*INSERT\b/i;

/**
 * The body of an entry of `orm-lazy-channel`, for a redriven event. BeeORM's own consumer may read it, and stops the
 * whole process on a nil field, so empty fields are omitted.
 */
export function encodeLazyEvent(event: LazyEvent): Buffer {
  const fields = new Map<BinaryString, MessageValue>();
  if (event.statements.length > 0) {
    fields.set(
      KEYS.statements,
      event.statements.map(({ pool, sql }) => [textToBinary(pool), sql, null]),
    );
    fields.set(KEYS.ids, event.ids);
    fields.set(KEYS.operation, OPERATIONS[operationOf(event)]);
  }
  if (event.cacheKeys.length > 0) {
    fields.set(
      KEYS.cacheKeys,
      new Map(event.cacheKeys.map(({ redisPool, keys: names }) => [textToBinary(redisPool), names])),
    );
  }
  if (event.logs.length > 0) fields.set(KEYS.logs, event.logs.map(logValueToMap));
  if (event.dirty.length > 0) fields.set(KEYS.dirty, event.dirty.map(dirtyEventToMap));
  return encodeMessagePack(fields);
}

/**
 * How BeeORM's own consumer treats the event:
 *
 * - `insert`: it runs the statements one by one, and then assigns the ID that MySQL chose to every `:0` key, log row
 *   and dirty event, regardless of the ID that they had.
 * - `update`: it runs the statements in lanes by ID, in order with other events' updates of the same rows, and leaves
 *   log rows and dirty events unchanged. A `:0` key stops the process.
 *
 * Neither is right for an event that contains inserts and also effects of rows with known IDs. Redrive the parts of
 * such an event as separate entries.
 */
function operationOf(event: LazyEvent): keyof typeof OPERATIONS {
  if (!event.statements.some(({ sql }) => INSERT_VERB.test(sql))) return 'update';
  const needsChosenId = event.cacheKeys.some(({ keys: names }) => names.some((name) => name.endsWith(':0')));
  const holdsKnownId = [...event.logs, ...event.dirty].some(({ id }) => id !== 0n);
  return holdsKnownId && !needsChosenId ? 'update' : 'insert';
}

/** The row may have received its ID since the event was decoded, so `id` replaces the one in the event. */
function dirtyEventToMap({ event, id, streams }: DirtyEvent): MessageMap {
  return new Map<BinaryString, MessageValue>([
    [KEYS.event, new Map(event).set(ENTITY_ID_KEY, id)],
    [KEYS.streams, streams.map(textToBinary)],
  ]);
}
