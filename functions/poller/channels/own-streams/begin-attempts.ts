import type { Redis } from 'ioredis';
import { REQUIRE_LOCK, Script } from '../../redis/script.ts';
import type { FencedGroup } from '../../redis/stream-reads.ts';

/** Maximum entries per call of the script: Redis serves no other client while it runs. */
const MAX_PER_CALL = 500;

export interface BegunAttempt {
  readonly id: string;
  /** Attempts so far, including the one that begins; 0 if the entry has only been read. */
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly firstDeliveredAt: number;
}

/**
 * An entry that was deleted after it was read is still handled, but not claimed. XCLAIM would remove it from the pending
 * entries, and it could then no longer become a dead letter.
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
 * Records in Redis that attempts begin. An attempt that kills the process therefore counts, and the time of the first
 * delivery is preserved. Reading an entry counts as one delivery, and each attempt as another: see {@link attemptsOf}.
 *
 * @returns the ids that are still pending. Rejects if Redis fails, or with an error that starts with LOCK_LOST
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

/** The number of attempts that have begun, derived from the delivery count in Redis. */
export function attemptsOf({ deliveries }: { readonly deliveries: number }): number {
  return Math.max(0, deliveries - 1);
}
