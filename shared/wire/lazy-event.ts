import { asBinary, type BinaryString, textToBinary } from '../binary-string.ts';
import { wireResult } from './decode-messagepack.ts';
import { type LogValue, readLogValue } from './log-value.ts';
import { Message, type MessagePart } from './message.ts';
import { binaryToName, map, optionalId, text } from './message-fields.ts';
import type { MessageMap } from './message-value.ts';
import type { WireError } from './wire-error.ts';

interface LazyStatement {
  /** MySQL pool. */
  readonly pool: string;
  readonly sql: BinaryString;
}

export interface CacheKeys {
  readonly redisPool: string;
  /** Without the namespace. A key that ends in `:0` belongs to a row that is yet to be inserted. */
  readonly keys: readonly BinaryString[];
}

/** An event to publish after its row has been written. */
export interface DirtyEvent {
  /** The map to publish: `I`, `A`, `E` and all other keys, in the order in which they were received. */
  readonly event: MessageMap;
  /** `I`, the row's ID; 0 for an insert whose ID MySQL chooses. */
  readonly id: bigint;
  /** `E`, the entity's Go type. */
  readonly entity: string;
  /** `A`: `i`, `u` or `d`. */
  readonly action: string;
  readonly streams: readonly string[];
}

/** An entry of `orm-lazy-channel`. Missing parts of the event are empty lists. */
export interface LazyEvent {
  readonly statements: readonly LazyStatement[];
  /** For each statement: the row's ID, or 0. */
  readonly ids: readonly bigint[];
  readonly cacheKeys: readonly CacheKeys[];
  readonly logs: readonly LogValue[];
  readonly dirty: readonly DirtyEvent[];
}

export type LazyEventResult =
  | { readonly ok: true; readonly event: LazyEvent }
  | { readonly ok: false; readonly error: WireError };

export const LAZY_EVENT_KEYS = {
  statements: textToBinary('q'),
  ids: textToBinary('i'),
  operation: textToBinary('o'),
  cacheKeys: textToBinary('cr'),
  logs: textToBinary('l'),
  dirty: textToBinary('d'),
  event: textToBinary('Event'),
  streams: textToBinary('Streams'),
  id: textToBinary('I'),
  action: textToBinary('A'),
  entity: textToBinary('E'),
};

/** Decodes the body (field `s`) of an entry of `orm-lazy-channel`. Unknown keys are ignored. Never throws. */
export function decodeLazyEvent(body: Uint8Array): LazyEventResult {
  return wireResult(() => ({ ok: true, event: readLazyEvent(new Message(body)) }));
}

/* Plain loops, and no allocations for missing parts: most events of a drain consist of a single statement. */

function readLazyEvent(message: Message): LazyEvent {
  const fields = message.map(message.root, 'lazy event');
  const statements = readEach(message, fields[LAZY_EVENT_KEYS.statements], 'q', readStatement);
  return {
    statements,
    ids: readIds(message, fields[LAZY_EVENT_KEYS.ids], statements.length),
    cacheKeys: readCacheKeys(message, fields[LAZY_EVENT_KEYS.cacheKeys]),
    logs: readEach(message, fields[LAZY_EVENT_KEYS.logs], 'l', readLogValue),
    dirty: readEach(message, fields[LAZY_EVENT_KEYS.dirty], 'd', readDirtyEvent),
  };
}

const NONE: readonly never[] = [];

function readEach<Item>(
  message: Message,
  part: MessagePart,
  path: string,
  read: (message: Message, part: MessagePart) => Item,
): readonly Item[] {
  const parts = message.optionalList(part, path);
  if (parts.length === 0) return NONE;
  const items: Item[] = [];
  for (let index = 0; index < parts.length; index++) items.push(read(message, parts[index]));
  return items;
}

function readStatement(message: Message, part: MessagePart): LazyStatement {
  const parts = message.list(part, 'q[]');
  return { pool: message.text(parts[0], 'q[][0]'), sql: message.binary(parts[1], 'q[][1]') };
}

function readIds(message: Message, part: MessagePart, count: number): readonly bigint[] {
  const parts = message.optionalList(part, 'i');
  const ids: bigint[] = [];
  for (let index = 0; index < count; index++) ids.push(message.optionalId(parts[index], 'i[]'));
  return ids;
}

function readCacheKeys(message: Message, part: MessagePart): readonly CacheKeys[] {
  const pools = message.optionalMap(part, 'cr');
  if (pools === null) return NONE;
  return Object.entries(pools).map(([pool, keys]) => ({
    redisPool: binaryToName(asBinary(pool)),
    keys: readEach(message, keys, 'cr{}', readCacheKey),
  }));
}

function readCacheKey(message: Message, part: MessagePart): BinaryString {
  return message.binary(part, 'cr{}[]');
}

function readDirtyEvent(message: Message, part: MessagePart): DirtyEvent {
  const fields = message.map(part, 'd[]');
  const event = map(message.value(fields[LAZY_EVENT_KEYS.event]), 'd[].Event');
  return {
    event,
    id: optionalId(event.get(LAZY_EVENT_KEYS.id), 'd[].Event.I'),
    entity: text(event.get(LAZY_EVENT_KEYS.entity), 'd[].Event.E'),
    action: text(event.get(LAZY_EVENT_KEYS.action), 'd[].Event.A'),
    streams: readEach(message, fields[LAZY_EVENT_KEYS.streams], 'd[].Streams', readStream),
  };
}

function readStream(message: Message, part: MessagePart): string {
  return message.text(part, 'd[].Streams[]');
}
