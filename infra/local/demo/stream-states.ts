import { Redis } from 'ioredis';
import * as z from 'zod';
import type { RedisAddress } from '../recording/target-servers.ts';

const GROUP = 'orm-async-consumer';
const STREAMS = ['orm-lazy-channel', 'orm-log-channel', 'user-changed', 'name-changed'];

/** The entries of a stream, and how many of them remain for the consumer's group. */
export interface StreamState {
  readonly stream: string;
  readonly entries: number;
  /** Entries that the group has not read yet; `undefined` if the group does not exist. */
  readonly unread: number | undefined;
  /** Entries that the group has read but not acknowledged; `undefined` if the group does not exist. */
  readonly pending: number | undefined;
  readonly deadLetters: number;
}

const groupsSchema = z.array(z.array(z.union([z.string(), z.number(), z.null()])));

export async function readStreamStates({ host, port, database }: RedisAddress): Promise<StreamState[]> {
  const redis = new Redis({ host, port, db: database });
  try {
    return await Promise.all(STREAMS.map((stream) => readStreamState(redis, stream)));
  } finally {
    redis.disconnect();
  }
}

async function readStreamState(redis: Redis, stream: string): Promise<StreamState> {
  const entries = await redis.xlen(stream);
  const deadLetters = await redis.xlen(`${stream}:dead-letters`);
  const exists = (await redis.exists(stream)) === 1;
  const groups = exists ? groupsSchema.parse(await redis.xinfo('GROUPS', stream)) : [];
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

/** Redis replies with `[name, value, name, value, …]`. */
function toFields(flat: readonly (string | number | null)[]): Record<string, string | number | null> {
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1] ?? null]] : [])),
  );
}
