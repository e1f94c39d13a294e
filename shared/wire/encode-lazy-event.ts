import { type BinaryString, textToBinary } from '../binary-string.ts';
import { encodeMessagePack } from './encode-messagepack.ts';
import { type DirtyEvent, LAZY_EVENT_KEYS as KEYS, type LazyEvent } from './lazy-event.ts';
import { logValueToMap } from './log-value.ts';
import type { MessageMap, MessageValue } from './message-value.ts';

const OPERATIONS = { insert: textToBinary('i'), update: textToBinary('u') };
const ENTITY_ID_KEY = textToBinary('I');
const INSERT_VERB = /^\s*INSERT\b/i;

/**
 * The body of an entry of `orm-lazy-channel`, for a redriven event. BeeORM's own consumer may meet it: it stops the
 * whole process on a field that is nil, so what is empty is left out.
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
 * What the whole event is to BeeORM's consumer:
 * - `insert`: it runs the statements one by one, and then gives the id that MySQL chose to every `:0` key, log row and
 *   dirty event, whatever id they had.
 * - `update`: it runs them by the lanes of their ids, in order with other events' updates of the same rows, and leaves
 *   log rows and dirty events as they are. A `:0` key stops the process.
 *
 * An event that inserts and also carries effects of rows whose ids are known is right in neither; redrive such an
 * event's parts as entries of their own.
 */
function operationOf(event: LazyEvent): keyof typeof OPERATIONS {
  if (!event.statements.some(({ sql }) => INSERT_VERB.test(sql))) return 'update';
  const needsChosenId = event.cacheKeys.some(({ keys: names }) => names.some((name) => name.endsWith(':0')));
  const holdsKnownId = [...event.logs, ...event.dirty].some(({ id }) => id !== 0n);
  return holdsKnownId && !needsChosenId ? 'update' : 'insert';
}

/** The row may have got its id since the event was decoded: `id` counts, and stands where the old one stood. */
function dirtyEventToMap({ event, id, streams }: DirtyEvent): MessageMap {
  return new Map<BinaryString, MessageValue>([
    [KEYS.event, new Map(event).set(ENTITY_ID_KEY, id)],
    [KEYS.streams, streams.map(textToBinary)],
  ]);
}
