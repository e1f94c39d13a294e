import type { Redis } from 'ioredis';
import type { FencedGroup } from './fenced-group.ts';
import { REQUIRE_LOCK, Script } from './script.ts';

/*
 * A hash for each stream and lock: how many attempts of this consumer have begun, by ID of a pending entry. Redis's own
 * delivery count is no evidence, because it also counts what other programs did with the entry, such as a consumer of
 * BeeORM that crashed again and again.
 */

/** The name of the hash. */
export function attemptsKey({ lockKey, stream }: Pick<FencedGroup, 'lockKey' | 'stream'>): string {
  return `${lockKey}:attempts:${stream}`;
}

const MAX_PER_CALL = 500;

/** Begins with HDEL of an absent field, which needs no memory, so that Redis accepts the rest even if it is full. */
const COUNT = new Script(`${REQUIRE_LOCK}
local counts, id = ARGV[3], ARGV[4]
redis.call('HDEL', counts, '0-0')
return redis.call('HSET', counts, id, tonumber(redis.call('HGET', counts, id) or 0) + 1)
`);

/** Counts an attempt that is about to begin. Rejects with an error that starts with LOCKLOST. */
export async function countAttempt(redis: Redis, group: FencedGroup, id: string): Promise<void> {
  await COUNT.run(redis, [group.lockKey, group.lockValue, attemptsKey(group), id]);
}

/** Forgets the attempts of entries that are settled, or that this process has survived. */
export async function forgetAttempts(
  redis: Redis,
  group: FencedGroup,
  ids: readonly string[],
): Promise<void> {
  for (let start = 0; start < ids.length; start += MAX_PER_CALL)
    await redis.hdel(attemptsKey(group), ...ids.slice(start, start + MAX_PER_CALL));
}

/** Deletes counts that a killed process left behind. Nothing is pending, so none of them can matter. */
const SWEEP = new Script(`
if redis.call('XPENDING', ARGV[2], ARGV[3])[1] == 0 then redis.call('DEL', ARGV[1]) end
return 1
`);

export async function sweepAttempts(redis: Redis, group: FencedGroup): Promise<void> {
  await SWEEP.run(redis, [attemptsKey(group), group.stream, group.group]);
}
