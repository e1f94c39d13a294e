import type { Redis } from 'ioredis';
import { REQUIRE_LOCK, Script } from '../../redis/script.ts';
import type { FencedGroup } from '../../redis/stream-reads.ts';

/** Entries in one call of the script: Redis serves nobody else meanwhile. */
const MAX_PER_CALL = 500;

export interface BegunAttempt {
  readonly id: string;
  /** Attempts so far, the one that begins included; 0 where the entry has only been read. */
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly firstDeliveredAt: number;
}

/**
 * An entry that somebody has deleted since it was read is still handled, but not claimed: Redis would drop it from the
 * pending ones, and a dead letter of it could not be written any more.
 */
const BEGIN_ATTEMPTS = new Script(`${REQUIRE_LOCK}
local stream, group, consumer = ARGV[3], ARGV[4], ARGV[5]
local pending = {}
for index = 6, #ARGV, 3 do
  local id, deliveries, idle = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  if #redis.call('XPENDING', stream, group, id, id, 1) > 0 then
    pending[#pending + 1] = id
    if #redis.call('XRANGE', stream, id, id) > 0 then
      redis.call('XCLAIM', stream, group, consumer, 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
    end
  end
end
return pending
`);

/**
 * Notes in Redis that attempts begin, so that one that kills the process counts, and the time of the first delivery stays
 * known. Having been read counts as one delivery, each attempt as one more: see {@link attemptsOf}.
 *
 * @returns ids of those that are still pending. Rejects with an error that starts with LOCK_LOST, or where Redis fails
 */
export async function beginAttempts(
  redis: Redis,
  group: FencedGroup,
  attempts: readonly BegunAttempt[],
): Promise<ReadonlySet<string>> {
  const { lockKey, lockValue, stream, group: name, consumer } = group;
  const pending = new Set<string>();
  for (let start = 0; start < attempts.length; start += MAX_PER_CALL) {
    const args = attempts
      .slice(start, start + MAX_PER_CALL)
      .flatMap(({ id, attempts: count, firstDeliveredAt }) => [
        id,
        count + 1,
        Math.max(0, Date.now() - firstDeliveredAt),
      ]);
    const reply = await BEGIN_ATTEMPTS.run(redis, [lockKey, lockValue, stream, name, consumer, ...args]);
    for (const id of Array.isArray(reply) ? reply : []) pending.add(String(id));
  }
  return pending;
}

/** Attempts that were begun before, by the deliveries that Redis has counted. */
export function attemptsOf({ deliveries }: { readonly deliveries: number }): number {
  return Math.max(0, deliveries - 1);
}
