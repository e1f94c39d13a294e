import { type BinaryString, textToBinary } from '../binary-string.ts';
import { readMessagePack, wireResult } from './decode-messagepack.ts';
import { type LogValue, readLogValue } from './log-value.ts';
import {
  binary,
  binaryToName,
  isAbsent,
  list,
  map,
  optionalId,
  optionalList,
  optionalMap,
  text,
} from './message-fields.ts';
import type { MessageMap, MessageValue } from './message-value.ts';
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

export const lazyEventKeys = {
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
  return wireResult(() => ({ ok: true, event: readLazyEvent(readMessagePack(body)) }));
}

function readLazyEvent(value: MessageValue): LazyEvent {
  const fields = map(value, 'lazy event');
  const statements = readEach(fields.get(lazyEventKeys.statements), 'q', readStatement);
  const ids = optionalList(fields.get(lazyEventKeys.ids), 'i');
  return {
    statements,
    ids: statements.map((_, index) => optionalId(ids[index], 'i[]')),
    cacheKeys: readCacheKeys(fields.get(lazyEventKeys.cacheKeys)),
    logs: readEach(fields.get(lazyEventKeys.logs), 'l', readLogValue),
    dirty: readEach(fields.get(lazyEventKeys.dirty), 'd', readDirtyEvent),
  };
}

const NONE: readonly never[] = [];

function readEach<Item>(
  value: MessageValue | undefined,
  path: string,
  read: (item: MessageValue) => Item,
): readonly Item[] {
  return isAbsent(value) ? NONE : list(value, path).map((item) => read(item));
}

function readStatement(value: MessageValue): LazyStatement {
  const parts = list(value, 'q[]');
  return { pool: text(parts[0], 'q[][0]'), sql: binary(parts[1], 'q[][1]') };
}

function readCacheKeys(value: MessageValue | undefined): readonly CacheKeys[] {
  const pools = optionalMap(value, 'cr');
  if (pools === null) {
    return NONE;
  }
  return Array.from(pools, ([pool, poolKeys]) => ({
    redisPool: binaryToName(pool),
    keys: optionalList(poolKeys, 'cr{}').map(readCacheKey),
  }));
}

function readCacheKey(value: MessageValue): BinaryString {
  return binary(value, 'cr{}[]');
}

function readDirtyEvent(value: MessageValue): DirtyEvent {
  const fields = map(value, 'd[]');
  const event = map(fields.get(lazyEventKeys.event), 'd[].Event');
  return {
    event,
    id: optionalId(event.get(lazyEventKeys.id), 'd[].Event.I'),
    entity: text(event.get(lazyEventKeys.entity), 'd[].Event.E'),
    action: text(event.get(lazyEventKeys.action), 'd[].Event.A'),
    streams: optionalList(fields.get(lazyEventKeys.streams), 'd[].Streams').map(readStream),
  };
}

function readStream(value: MessageValue): string {
  return text(value, 'd[].Streams[]');
}
