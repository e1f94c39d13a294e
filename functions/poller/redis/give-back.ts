import type { Redis } from 'ioredis';
import { REQUIRE_LOCK, Script } from './script.ts';
import type { FencedGroup } from './stream-reads.ts';

/**
 * Makes entries unread that this drain has read: acknowledged, and the group set back to where it stood before. For a
 * group that must not be read at all: were they left pending, the next run would take them for its own.
 */
const GIVE_BACK = new Script(`${REQUIRE_LOCK}
for index = 6, #ARGV do redis.call('XACK', ARGV[3], ARGV[4], ARGV[index]) end
redis.call('XGROUP', 'SETID', ARGV[3], ARGV[4], ARGV[5])
return 1
`);

export async function giveBack(
  redis: Redis,
  group: FencedGroup,
  lastDelivered: string,
  ids: readonly string[],
): Promise<void> {
  const { lockKey, lockValue, stream, group: name } = group;
  await GIVE_BACK.run(redis, [lockKey, lockValue, stream, name, lastDelivered, ...ids]);
}
