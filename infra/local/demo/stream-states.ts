import { Redis } from 'ioredis';
import * as z from 'zod';
import type { RedisAddress } from '../recording/target-servers.ts';

const GROUP = 'orm-async-consumer';
const STREAMS = ['orm-lazy-channel', 'orm-log-channel', 'user-changed', 'name-changed'];

/** What stands in a stream, and what the consumer's group has left to do. */
export interface StreamState {
  readonly stream: string;
  readonly entries: number;
  /** Entries that the group has not read yet. `undefined`, as below: there is no such group. */
  readonly unread: number | undefined;
  /** Entries that it has read and not acknowledged. */
  readonly pending: number | undefined;
  readonly deadLetters: number;
}

const groupsSchema = z.array(z.array(z.union([z.string(), z.number(), z.null()])));

export async function readStreamStates(place: RedisAddress): Promise<StreamState[]> {
  const redis = new Redis({ host: place.host, port: place.port, db: place.database });
  try {
    return await Promise.all(STREAMS.map((stream) => readStreamState(redis, stream)));
  } finally {
    redis.disconnect();
  }
}

async function readStreamState(redis: Redis, stream: string): Promise<StreamState> {
  const entries = await redis.xlen(stream);
  const deadLetters = await redis.xlen(`${stream}:dead-letters`);
  const doesExist = (await redis.exists(stream)) === 1;
  const groups = doesExist ? groupsSchema.parse(await redis.xinfo('GROUPS', stream)) : [];
  const group = groups.map(toFields).find(({ name }) => name === GROUP);
  return {
    stream,
    entries,
    deadLetters,
    unread: numberOf(group?.['lag']),
    pending: numberOf(group?.['pending']),
  };
}

function numberOf(value: string | number | null | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** Redis answers `[name, value, name, value, …]`. */
function toFields(flat: readonly (string | number | null)[]): Record<string, string | number | null> {
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1] ?? null]] : [])),
  );
}
