import type { Redis } from 'ioredis';
import { WriteScript } from '../../redis/refusable-writes.ts';

/** A stream as named in Redis. */
export interface TrimmedStream {
  readonly stream: string;
  /** The registry's groups of the stream, as named in Redis. */
  readonly registeredGroups: readonly string[];
  /** True if nothing is trimmed while one of them does not exist on the stream. */
  readonly areAbsentGroupsHeld: boolean;
}

export interface TrimStep {
  /** Number of entries that were deleted. */
  readonly trimmed: number;
  /** There may be more to delete. */
  readonly more: boolean;
  /** Registered groups that do not exist on the stream. */
  readonly absentGroups: readonly string[];
}

/** Entries deleted in one call: Redis serves no other client meanwhile, for some tenths of a millisecond. */
const MAX_PER_CALL = 1000;

/** Limit for entries that share a node with the first entry to keep. Finding them means reading them; a node is small. */
const MAX_SINGLY = 100;

/**
 * Deletes the first entries that every group on the stream has read and acknowledged. The same step determines which ones:
 * a group that is created or set back in between would lose entries that it has yet to read. If no group exists, nothing
 * was read and nothing is deleted.
 *
 * XTRIM accepts a limit only when it deletes whole nodes (`~`); the rest of the last node is deleted up to a nearby ID.
 */
const TRIM = new WriteScript(`
local stream, most, maxSingly, holdsAbsent = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
if attempt(stream, 'TYPE', stream)['ok'] ~= 'stream' then return {0, 0} end

local groups, exists = {}, {}
for _, flat in ipairs(attempt(stream, 'XINFO', 'GROUPS', stream)) do
  local group = {}
  for index = 1, #flat, 2 do group[flat[index]] = flat[index + 1] end
  groups[#groups + 1] = group
  exists[group['name']] = true
end
local absent = {}
for index = 5, #ARGV do
  if not exists[ARGV[index]] then absent[#absent + 1] = ARGV[index] end
end
if #groups == 0 or (holdsAbsent and #absent > 0) then return {0, 0, unpack(absent)} end

local function isLess(left, right)
  if #left ~= #right then return #left < #right end
  return left < right
end
local function isEarlier(left, right)
  local leftTime, leftSequence = string.match(left, '(%d+)-(%d+)')
  local rightTime, rightSequence = string.match(right, '(%d+)-(%d+)')
  if leftTime ~= rightTime then return isLess(leftTime, rightTime) end
  return isLess(leftSequence, rightSequence)
end

local kept
for _, group in ipairs(groups) do
  local first
  if group['pending'] > 0 then
    first = attempt(stream, 'XPENDING', stream, group['name'])[2]
  else
    local unread = attempt(stream, 'XRANGE', stream, '(' .. group['last-delivered-id'], '+', 'COUNT', 1)[1]
    first = unread and unread[1]
  end
  if first and (not kept or isEarlier(first, kept)) then kept = first end
end

local function trim(bound, ...)
  if bound then return attempt(stream, 'XTRIM', stream, 'MINID', ...) end
  return attempt(stream, 'XTRIM', stream, 'MAXLEN', ...)
end
local trimmed = trim(kept, '~', kept or 0, 'LIMIT', most)
if trimmed > 0 then return {trimmed, 1, unpack(absent)} end
local rest = attempt(stream, 'XRANGE', stream, '-', kept and '(' .. kept or '+', 'COUNT', maxSingly + 1)
if #rest == 0 then return {0, 0, unpack(absent)} end
local following = rest[maxSingly + 1]
local bound = following and following[1] or kept
return {trim(bound, '=', bound or 0), following and 1 or 0, unpack(absent)}
`);

/** Rejects if Redis fails; entries deleted until then had been handled. */
export async function trimStep(redis: Redis, stream: TrimmedStream): Promise<TrimStep> {
  const { registeredGroups, areAbsentGroupsHeld } = stream;
  const holdsAbsent = areAbsentGroupsHeld ? 1 : 0;
  const args = [stream.stream, MAX_PER_CALL, MAX_SINGLY, holdsAbsent, ...registeredGroups];
  const reply = await TRIM.run(redis, args);
  const [trimmed, more, ...absent]: unknown[] = Array.isArray(reply) ? reply : [];
  return { trimmed: Number(trimmed ?? 0), more: more === 1, absentGroups: absent.map(String) };
}
