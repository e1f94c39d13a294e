import { Redis } from 'ioredis';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { type DirtyEvent, decodeDirtyEvent } from '../oracle/wire.ts';
import { readTables, type Tables } from './read-tables.ts';
import { CONSUMER_GROUP, type TestRedisPool, type TestRegistry } from './test-registry.ts';

/** What is really there. */
export type State = {
  readonly tables: Tables;
  /** The events in each registered stream that is not BeeORM's own, in order. */
  readonly dirtyEvents: ReadonlyMap<string, readonly DirtyEvent[]>;
  /** All keys of each Redis pool, without the pool's namespace. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly deadLetters: readonly DeadLetter[];
  /** Streams of which the consumer's group has entries that are not acknowledged, or not even read. */
  readonly unfinished: readonly {
    readonly stream: string;
    readonly pending: number;
    readonly unread: number;
  }[];
};

export type DeadLetter = {
  /** The stream that the entry was in. */
  readonly stream: string;
  /** Its id there. */
  readonly entry: string;
  /** MySQL's number, or a name such as `undecodable`. */
  readonly code: string;
  /** JSON: what is still to do. */
  readonly unapplied: string;
  /** The entry's own fields. */
  readonly fields: Readonly<Record<string, Buffer>>;
};

const DEAD_LETTERS = ':dead-letters';

export async function readState(registry: TestRegistry): Promise<State> {
  const redis = new Map([...registry.redis].map(([code, pool]) => [code, connectRedis(pool)]));
  try {
    const tables = await Promise.all([...registry.mysql.values()].map(readTables));
    const dirtyEvents = new Map<string, DirtyEvent[]>();
    const deadLetters: DeadLetter[] = [];
    const unfinished: State['unfinished'][number][] = [];
    for (const [stream, pool] of registry.streamPools) {
      const its = redis.get(pool);
      if (its === undefined) continue;
      if (!stream.startsWith('orm-'))
        dirtyEvents.set(stream, (await readStream(its, pool, stream)).map(dirtyEventOf));
      deadLetters.push(...(await readStream(its, pool, stream + DEAD_LETTERS)).map(deadLetterOf));
      const { pending, unread } = await readProgress(its, stream);
      if (pending + unread > 0) unfinished.push({ stream, pending, unread });
    }
    const keys = new Map<string, Set<string>>();
    for (const [code, its] of redis) keys.set(code, await readKeys(its));
    return { tables: new Map(tables.flatMap((its) => [...its])), dirtyEvents, keys, deadLetters, unfinished };
  } finally {
    for (const its of redis.values()) its.disconnect();
  }
}

/** A connection that puts the pool's namespace before each key. */
export function connectRedis({ host, port, db, prefix }: TestRedisPool): Redis {
  return new Redis({ host, port, db, keyPrefix: prefix });
}

async function readStream(redis: Redis, pool: string, stream: string): Promise<StreamEntry[]> {
  const entries = await redis.xrangeBuffer(stream, '-', '+');
  return entries.map(([id, values]) => ({
    pool,
    stream,
    id: id.toString(),
    fields: Object.fromEntries(pairs(values).map(([name, value]) => [name.toString(), value])),
  }));
}

function pairs<T>(values: readonly T[]): [T, T][] {
  const found: [T, T][] = [];
  for (let at = 0; at + 1 < values.length; at += 2) {
    const [first, second] = values.slice(at, at + 2);
    if (first !== undefined && second !== undefined) found.push([first, second]);
  }
  return found;
}

function dirtyEventOf({ fields, id }: StreamEntry): DirtyEvent {
  try {
    return decodeDirtyEvent(fields['s'] ?? Buffer.alloc(0));
  } catch {
    return { entity: 'undecodable entry', action: '?', id };
  }
}

function deadLetterOf({ stream, fields }: StreamEntry): DeadLetter {
  const text = (name: string) => fields[name]?.toString() ?? '';
  const original = Object.entries(fields).flatMap(([name, value]) =>
    name.startsWith('original.') ? [[name.slice('original.'.length), value]] : [],
  );
  return {
    stream: stream.slice(0, -DEAD_LETTERS.length),
    entry: text('entry'),
    code: text('code'),
    unapplied: text('unapplied'),
    fields: Object.fromEntries(original),
  };
}

/** Of the consumer's group; nothing where the stream or the group doesn't exist. */
async function readProgress(redis: Redis, stream: string): Promise<{ pending: number; unread: number }> {
  const group = (await readGroups(redis, stream)).find(({ name }) => name.endsWith(CONSUMER_GROUP));
  if (group === undefined) return { pending: 0, unread: 0 };
  const unread = await redis.xrange(stream, `(${group.lastDelivered}`, '+');
  return { pending: group.pending, unread: unread.length };
}

async function readGroups(redis: Redis, stream: string) {
  const exists = (await redis.type(stream)) === 'stream';
  const groups: unknown = exists ? await redis.xinfo('GROUPS', stream) : [];
  return (Array.isArray(groups) ? groups : []).map((group: unknown[]) => {
    const { name, pending, 'last-delivered-id': lastDelivered } = Object.fromEntries(pairs(group));
    return { name: String(name), pending: Number(pending), lastDelivered: String(lastDelivered) };
  });
}

async function readKeys(redis: Redis): Promise<Set<string>> {
  const prefix = redis.options.keyPrefix ?? '';
  const keys = new Set<string>();
  for await (const page of redis.scanStream({ match: `${prefix}*`, count: 1000 }))
    for (const key of page) keys.add(String(key).slice(prefix.length));
  return keys;
}
