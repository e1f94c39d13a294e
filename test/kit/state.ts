import { Redis } from 'ioredis';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { type DirtyEvent, decodeDirtyEvent } from '../oracle/wire.ts';
import { readTables, type Tables } from './read-tables.ts';
import { CONSUMER_GROUP, type TestRedisPool, type TestRegistry } from './test-registry.ts';

/** The actual state of the servers. */
export type State = {
  readonly tables: Tables;
  /** The events in each registered stream except BeeORM's built-in streams, in order. */
  readonly dirtyEvents: ReadonlyMap<string, readonly DirtyEvent[]>;
  /** All keys of each Redis pool, without the pool's namespace. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  readonly deadLetters: readonly DeadLetter[];
  /** Streams in which the consumer's group has pending or unread entries. */
  readonly unfinished: readonly {
    readonly stream: string;
    readonly pending: number;
    readonly unread: number;
  }[];
};

export type DeadLetter = {
  /** The stream that contained the entry. */
  readonly stream: string;
  /** The entry's id in that stream. */
  readonly entry: string;
  /** MySQL's error number, or a name such as `undecodable`. */
  readonly code: string;
  /** The remaining work, as JSON. */
  readonly unapplied: string;
  /** The entry's fields. */
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
      const client = redis.get(pool);
      if (client === undefined) continue;
      if (!stream.startsWith('orm-'))
        dirtyEvents.set(stream, (await readStream(client, pool, stream)).map(dirtyEventOf));
      for (const entry of await readStream(client, pool, stream + DEAD_LETTERS))
        deadLetters.push(deadLetterOf(entry));
      const { pending, unread } = await readProgress(client, stream);
      if (pending + unread > 0) unfinished.push({ stream, pending, unread });
    }
    const keys = new Map<string, Set<string>>();
    for (const [code, client] of redis) keys.set(code, await readKeys(client));
    return {
      tables: new Map(tables.flatMap((database) => [...database])),
      dirtyEvents,
      keys,
      deadLetters,
      unfinished,
    };
  } finally {
    for (const client of redis.values()) client.disconnect();
  }
}

/** Opens a connection that prefixes each key with the pool's namespace. */
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
  for (let index = 0; index + 1 < values.length; index += 2) {
    const [first, second] = values.slice(index, index + 2);
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

/** The progress of the consumer's group; zeros if the stream or the group doesn't exist. */
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
