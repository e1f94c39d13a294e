import type { Redis } from 'ioredis';
import type { FencedGroup } from './fenced-group.ts';
import { REQUIRE_LOCK, Script } from './script.ts';

/**
 * Gives back entries that this drain has read: acknowledges them and sets the group back to its earlier position. Used for a
 * group that must not be read at all: if the entries stayed pending, the next drain would handle them.
 *
 * An entry that is acknowledged but not set back would be lost, so the acknowledgement comes last. XACK of an ID that is
 * never pending comes first: it finds out whether XACK is allowed, and makes Redis accept SETID even if it is full.
 */
const GIVE_BACK = new Script(`${REQUIRE_LOCK}
redis.call('XACK', ARGV[3], ARGV[4], '0-0')
redis.call('XGROUP', 'SETID', ARGV[3], ARGV[4], ARGV[5])
for index = 6, #ARGV do redis.call('XACK', ARGV[3], ARGV[4], ARGV[index]) end
return 1
`);

/** Rejects with an error that starts with LOCKLOST. */
export async function giveBack(
  redis: Redis,
  group: FencedGroup,
  lastDelivered: string,
  ids: readonly string[],
): Promise<void> {
  const { lockKey, lockValue, stream, group: name } = group;
  await GIVE_BACK.run(redis, [lockKey, lockValue, stream, name, lastDelivered, ...ids]);
}
