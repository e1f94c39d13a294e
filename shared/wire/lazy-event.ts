import { type BinaryString, textToBinary } from '../binary-string.ts';
import { wireResult } from './decode-messagepack.ts';
import { type LogValue, readLogValue } from './log-value.ts';
import { Message, type MessagePart } from './message.ts';
import { binaryToName, map, optionalId, text } from './message-fields.ts';
import type { MessageMap } from './message-value.ts';
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
  return wireResult(() => ({ ok: true, event: readLazyEvent(new Message(body)) }));
}

function readLazyEvent(message: Message): LazyEvent {
  const fields = message.map(message.root, 'lazy event');
  const statements = message.optionalList(fields[lazyEventKeys.statements], 'q').map((part) => {
    return readStatement(message, part);
  });
  const ids = message.optionalList(fields[lazyEventKeys.ids], 'i');
  const logs = message.optionalList(fields[lazyEventKeys.logs], 'l');
  const dirty = message.optionalList(fields[lazyEventKeys.dirty], 'd');
  return {
    statements,
    ids: statements.map((_, index) => message.optionalId(ids[index], 'i[]')),
    cacheKeys: readCacheKeys(message, fields[lazyEventKeys.cacheKeys]),
    logs: logs.map((part) => readLogValue(message, part)),
    dirty: dirty.map((part) => readDirtyEvent(message, part)),
  };
}

function readStatement(message: Message, part: MessagePart): LazyStatement {
  const [pool, sql] = message.list(part, 'q[]');
  return { pool: message.text(pool, 'q[][0]'), sql: message.binary(sql, 'q[][1]') };
}

function readCacheKeys(message: Message, part: MessagePart): readonly CacheKeys[] {
  const pools = message.optionalMap(part, 'cr') ?? {};
  return Object.entries(pools).map(([pool, keys]) => ({
    redisPool: binaryToName(pool as BinaryString),
    keys: message.optionalList(keys, 'cr{}').map((key) => message.binary(key, 'cr{}[]')),
  }));
}

function readDirtyEvent(message: Message, part: MessagePart): DirtyEvent {
  const fields = message.map(part, 'd[]');
  const event = map(message.value(fields[lazyEventKeys.event]), 'd[].Event');
  const streams = message.optionalList(fields[lazyEventKeys.streams], 'd[].Streams');
  return {
    event,
    id: optionalId(event.get(lazyEventKeys.id), 'd[].Event.I'),
    entity: text(event.get(lazyEventKeys.entity), 'd[].Event.E'),
    action: text(event.get(lazyEventKeys.action), 'd[].Event.A'),
    streams: streams.map((stream) => message.text(stream, 'd[].Streams[]')),
  };
}
