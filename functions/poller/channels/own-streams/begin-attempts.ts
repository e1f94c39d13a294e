import type { Redis } from 'ioredis';
import { attemptsKey } from '../../redis/attempt-counts.ts';
import type { FencedGroup } from '../../redis/fenced-group.ts';
import { REQUIRE_LOCK, Script } from '../../redis/script.ts';

/** Maximum entries per call of the script: Redis serves no other client while it runs. */
const MAX_PER_CALL = 500;

export interface BegunAttempt {
  readonly id: string;
  /** Attempts so far, including the one that begins; 0 if the entry has only been read. */
  readonly attempts: number;
}

/** Begins with HDEL of an absent field, which needs no memory, so that Redis accepts the rest even if it is full. */
const BEGIN_ATTEMPTS = new Script(`${REQUIRE_LOCK}
local stream, group, counts = ARGV[3], ARGV[4], ARGV[5]
local pending = {}
redis.call('HDEL', counts, '0-0')
for index = 6, #ARGV, 2 do
  local id, attempts = ARGV[index], ARGV[index + 1]
  if #redis.call('XPENDING', stream, group, id, id, 1) > 0 then
    pending[#pending + 1] = id
    redis.call('HSET', counts, id, attempts)
  end
end
return pending
`);

/**
 * Records in Redis that attempts begin. An attempt that kills the process therefore counts. Redis's own delivery count is
 * left alone, because it also counts what other programs did with the entry.
 *
 * @returns the ids that are still pending. Rejects if Redis fails, or with an error that starts with LOCKLOST
 */
export async function beginAttempts(
  redis: Redis,
  group: FencedGroup,
  attempts: readonly BegunAttempt[],
): Promise<ReadonlySet<string>> {
  const { lockKey, lockValue, stream, group: name } = group;
  const pending = new Set<string>();
  for (let start = 0; start < attempts.length; start += MAX_PER_CALL) {
    const args = attempts
      .slice(start, start + MAX_PER_CALL)
      .flatMap(({ id, attempts: count }) => [id, count]);
    const reply = await BEGIN_ATTEMPTS.run(redis, [
      ...[lockKey, lockValue, stream, name, attemptsKey(group)],
      ...args,
    ]);
    for (const id of Array.isArray(reply) ? reply : []) pending.add(String(id));
  }
  return pending;
}
