import type { Redis } from 'ioredis';
import { attemptsKey } from './attempt-counts.ts';
import type { FencedGroup } from './fenced-group.ts';
import { REQUIRE_LOCK, Script } from './script.ts';
import type { StreamEntry } from './stream-entry.ts';
import { PAGE, toEntries } from './stream-page.ts';

export interface ReadLimit {
  readonly entries: number;
  readonly bytes: number;
}

/** Entries fetched at once inside a script, so that one page of large entries cannot fill the server's memory. */
const STEP = 16;

/** Prefix of the error of a read that finds the group behind entries that this drain has read. */
export const SET_BACK = 'SETBACK';

/** Lua: ends the script with an error if the group (ARGV[4]) is at an earlier entry than ARGV[8]. */
const REQUIRE_POSITION = `
local function isEarlier(left, right)
  local leftTime, leftSequence = left:match('^(%d+)-(%d+)$')
  local rightTime, rightSequence = right:match('^(%d+)-(%d+)$')
  local function isLess(one, other) return #one < #other or (#one == #other and one < other) end
  if leftTime ~= rightTime then return isLess(leftTime, rightTime) end
  return isLess(leftSequence, rightSequence)
end
-- An error (the stream is gone) has no elements; the read itself reports it.
for _, facts in ipairs(redis.pcall('XINFO', 'GROUPS', ARGV[3])) do
  local named = {}
  for index = 1, #facts, 2 do named[facts[index]] = facts[index + 1] end
  if named['name'] == ARGV[4] and isEarlier(named['last-delivered-id'], ARGV[8]) then
    return redis.error_reply('${SET_BACK} the group was set back from ' .. ARGV[8] .. ' to ' .. named['last-delivered-id'])
  end
end
`;

/**
 * Checks the lock and reads in one step. Otherwise a poller that was paused after its last check could read entries after
 * its successor has already handled later ones. The group's position is checked in the same step: entries that a group
 * delivers again because it was set back must not be read in the epoch that has executed them.
 */
const READ_NEW = new Script(`${REQUIRE_LOCK}${REQUIRE_POSITION}${PAGE}
local stream, group, consumer = ARGV[3], ARGV[4], ARGV[5]
local maxEntries, maxBytes, step = tonumber(ARGV[6]), tonumber(ARGV[7]), ${STEP}
while #heads < maxEntries and bytes < maxBytes do
  local count = math.min(step, maxEntries - #heads)
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
  if not reply then break end
  local entries = reply[1][2]
  local before = bytes
  for _, entry in ipairs(entries) do add(entry[1], 0, false, entry[2]) end
  if #entries < count then break end
  local perEntry = (bytes - before) / #entries + 1
  step = math.max(1, math.min(512, math.floor((maxBytes - bytes) / perEntry)))
end
return page()
`);

/**
 * Reads pending entries. Reading an entry counts as an attempt until `countUpTo` were counted, from which on it may be a
 * poison entry (0: reading is never counted). From there on, each attempt is counted when it begins. HDEL of an absent field
 * comes first: it needs no memory, so Redis accepts the counting even if it is full.
 */
const READ_PENDING = new Script(`${REQUIRE_LOCK}${PAGE}
local stream, group, consumer = ARGV[3], ARGV[4], ARGV[5]
local maxEntries, maxBytes, start, last = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9]
local countUpTo, counts = tonumber(ARGV[10]), ARGV[11]
redis.call('HDEL', counts, '0-0')
local pending = redis.call('XPENDING', stream, group, start, last, maxEntries, consumer)
for _, item in ipairs(pending) do
  local id, idle = item[1], item[3]
  local attempts = tonumber(redis.call('HGET', counts, id) or 0)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry and attempts < countUpTo then redis.call('HSET', counts, id, attempts + 1) end
  add(id, attempts, idle, entry and entry[2])
  if bytes >= maxBytes then break end
end
return page()
`);

/**
 * Reads entries that the group has not read yet, oldest first. Rejects with an error that starts with LOCKLOST, or with
 * SET_BACK if the group is at an earlier entry than `position`: nothing was read then.
 */
export async function readNew(
  redis: Redis,
  group: FencedGroup,
  limit: ReadLimit,
  position: string,
): Promise<StreamEntry[]> {
  const args = [...readArguments(group), limit.entries, limit.bytes, position];
  return toEntries(await READ_NEW.run(redis, args));
}

export interface PendingRange {
  /** An entry's ID; `0` for all. */
  readonly after: string;
  /** An entry's ID. */
  readonly upTo: string;
}

/**
 * Reads this consumer's pending entries of a range, oldest first. Those beyond the position of a group that was set back
 * are delivered again as new, so in one epoch they must not be read as pending too. Rejects with an error that starts with
 * LOCKLOST.
 */
export async function readPending(
  redis: Redis,
  group: FencedGroup,
  limit: ReadLimit,
  { after, upTo }: PendingRange,
  countUpTo: number,
): Promise<StreamEntry[]> {
  const args = [
    ...readArguments(group),
    limit.entries,
    limit.bytes,
    `(${after}`,
    upTo,
    countUpTo,
    attemptsKey(group),
  ];
  return toEntries(await READ_PENDING.run(redis, args));
}

function readArguments(group: FencedGroup): string[] {
  return [group.lockKey, group.lockValue, group.stream, group.group, group.consumer];
}
