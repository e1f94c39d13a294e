import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Difference } from '../../kit/difference.ts';
import { connectRedis } from '../../kit/state.ts';
import type { Application } from '../chaos-servers.ts';
import type { SubjectName } from '../safeguards.ts';

/** One kind of what consumers do: adds it to the streams bit by bit, and checks in the end what is promised of it. */
export interface Subject {
  readonly name: SubjectName;
  /** False once there is nothing more to add. */
  readonly hasMore: boolean;
  /** Adds about so many entries. */
  add(count: number): Promise<void>;
  /** Adds what makes out of date what a consumer has in hand; without, it is one more entry. */
  overtake?(): Promise<void>;
  /** Adds what is left; then all is drained once more. */
  addLast(): Promise<void>;
  /** Called whenever all is drained: looks at what later entries would cover up. */
  rest?(): Promise<void>;
  examine(): Promise<Examination>;
}

export interface Examination {
  /** For people, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly differences: readonly Difference[];
}

/** Connects for a while only: servers are restarted in between. */
export async function withRedis<Result>(
  { registry }: Application,
  code: 'default' | 'shop',
  use: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const pool = registry.redis.get(code);
  if (pool === undefined) throw new Error(`the registry has no Redis pool ${code}`);
  const redis = connectRedis(pool);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** What a group has not read or not acknowledged, as a difference; nothing where it is done. */
export async function unfinished(redis: Redis, stream: string, group: string): Promise<Difference[]> {
  const [pending] = await redis.xpending(stream, group);
  const groups = z.array(z.array(z.unknown())).parse(await redis.xinfo('GROUPS', stream));
  const facts = groups.find((fact) => fact[fact.indexOf('name') + 1] === group) ?? [];
  const last = String(facts[facts.indexOf('last-delivered-id') + 1]);
  const unread = await redis.xrange(stream, `(${last}`, '+');
  if (pending === 0 && unread.length === 0) return [];
  const what = `${stream}, group ${group}: ${String(pending)} pending, ${unread.length} unread`;
  return [{ kind: 'unfinished', what }];
}
