import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Difference } from '../../kit/difference.ts';
import { connectRedis } from '../../kit/state.ts';
import type { Application } from '../chaos-servers.ts';
import type { WorkloadName } from '../safeguards.ts';

/** Adds entries of one kind bit by bit, and checks at the end that the consumer has processed them as promised. */
export interface Workload {
  readonly name: WorkloadName;
  /** False once there are no more entries to add. */
  readonly hasMore: boolean;
  /** Adds about this many entries. */
  add(count: number): Promise<void>;
  /** Makes what a paused consumer has read out of date. A workload without this method gets one more entry instead. */
  supersede?(): Promise<void>;
  /** Adds the remaining entries. Afterwards everything is drained a last time. */
  addRemaining(): Promise<void>;
  /** Called whenever everything is drained: checks what later entries would cover up. */
  checkDrained?(): Promise<void>;
  check(): Promise<CheckResult>;
}

export interface CheckResult {
  /** Counts for the report, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly differences: readonly Difference[];
}

/** Connects for one task only, because servers are restarted between tasks. */
export async function withRedis<Result>(
  { registry }: Application,
  code: 'default' | 'shop',
  task: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const pool = registry.redis.get(code);
  if (pool === undefined) throw new Error(`the registry has no Redis pool '${code}'`);
  const redis = connectRedis(pool);
  try {
    return await task(redis);
  } finally {
    redis.disconnect();
  }
}

/** A difference if the group has unread or pending entries, otherwise an empty list. */
export async function findUnfinished(redis: Redis, stream: string, group: string): Promise<Difference[]> {
  const [pending] = await redis.xpending(stream, group);
  const groups = z.array(z.array(z.unknown())).parse(await redis.xinfo('GROUPS', stream));
  const facts = groups.find((fact) => fact[fact.indexOf('name') + 1] === group) ?? [];
  const last = String(facts[facts.indexOf('last-delivered-id') + 1]);
  const unread = await redis.xrange(stream, `(${last}`, '+');
  if (pending === 0 && unread.length === 0) return [];
  const what = `${stream}, group ${group}: ${String(pending)} pending, ${unread.length} unread`;
  return [{ kind: 'unfinished', what }];
}
