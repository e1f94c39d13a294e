import type { Redis } from 'ioredis';
import { REQUIRE_LOCK, Script } from './script.ts';

/** An entry as stored in its stream. */
export interface StreamEntry {
  readonly id: string;
  /** Field names and values, in order; undefined if the entry is pending but no longer in the stream. */
  readonly fields: readonly (readonly [Buffer, Buffer])[] | undefined;
  /** Attempts of this consumer to handle it that began before this one. What other programs tried does not count. */
  readonly earlierAttempts: number;
  /** Milliseconds since it was last delivered, or since the time set by a claim; absent if it is new. */
  readonly idleMs?: number;
}

/** Returns the first value of a field; undefined if there is none. */
export function fieldValue(entry: StreamEntry, name: string): Buffer | undefined {
  const { fields = [] } = entry;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index];
    if (field !== undefined && isNamed(field[0], name)) return field[1];
  }
  return undefined;
}

/** `name`: ASCII only. */
export function isNamed(field: Buffer, name: string): boolean {
  if (field.length !== name.length) return false;
  // Nearly all fields are named `s`: comparing one byte needs no string.
  return field[0] === name.charCodeAt(0) && (name.length === 1 || field.toString('latin1') === name);
}

/** A stream and its group, as named in Redis, and the lock under which they are read. */
export interface FencedGroup {
  readonly lockKey: string;
  readonly lockValue: string;
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}

/** A hash: for each pending entry, how many attempts of this consumer have begun. See attempt-counts.ts. */
export function attemptsKey({ lockKey, stream }: Pick<FencedGroup, 'lockKey' | 'stream'>): string {
  return `${lockKey}:attempts:${stream}`;
}

export interface ReadLimit {
  readonly entries: number;
  readonly bytes: number;
}

/*
 * A page is returned as two values: a JSON head (for each entry its ID, earlier attempts, idle time, and the lengths of its names
 * and values) and their concatenated bytes. Decoding thousands of small replies one by one would cost the client three times
 * as much as Redis spends on the entries. JSON is parsed natively.
 */

/** Lua: collects entries; `bytes` is the length of their names and values. */
const PAGE = `
local heads, texts, bytes = {}, {}, 0
local function add(id, attempts, idle, fields)
  local head = {id, attempts, idle}
  for index, text in ipairs(fields or {}) do
    head[index + 3] = #text
    texts[#texts + 1] = text
    bytes = bytes + #text
  end
  heads[#heads + 1] = head
end
local function page()
  return {cjson.encode(heads), table.concat(texts)}
end
`;

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

/** Rejects with an error that starts with LOCK_LOST. */
export async function giveBack(
  redis: Redis,
  group: FencedGroup,
  lastDelivered: string,
  ids: readonly string[],
): Promise<void> {
  const { lockKey, lockValue, stream, group: name } = group;
  await GIVE_BACK.run(redis, [lockKey, lockValue, stream, name, lastDelivered, ...ids]);
}

function readArguments(group: FencedGroup): string[] {
  return [group.lockKey, group.lockValue, group.stream, group.group, group.consumer];
}

const BODY = 's';
const BODY_NAME = Buffer.from(BODY);
const NO_FIELDS: NonNullable<StreamEntry['fields']> = [];

/**
 * Copies the entry without its body, to be kept while the entry is being handled. Each slice of a page keeps the whole page
 * in memory, and a few entries of many pages may wait for a long time, for example while their MySQL pool is down.
 */
export function withoutBody(entry: StreamEntry): StreamEntry {
  const { fields } = entry;
  if (fields === undefined) return entry;
  if (fields.length === 1 && fields[0]?.[0] === BODY_NAME) return { ...entry, fields: NO_FIELDS };
  const others = fields.filter(([name]) => !isNamed(name, BODY));
  return { ...entry, fields: others.map(([name, value]) => [Buffer.from(name), Buffer.from(value)]) };
}

/** Decodes the entries that a script collected with `PAGE`. */
function toEntries(reply: unknown): StreamEntry[] {
  const [heads, texts]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Buffer.isBuffer(heads) || !Buffer.isBuffer(texts)) return [];
  const page: unknown = JSON.parse(heads.toString('latin1'));
  const rest = new PageTexts(texts);
  // Lua has no empty list: it encodes one as an empty object.
  return Array.isArray(page) ? page.map((head) => toEntry(head, rest)) : [];
}

function toEntry(head: unknown, texts: PageTexts): StreamEntry {
  const parts: readonly unknown[] = Array.isArray(head) ? head : [];
  const [id, attempts, idleMs] = parts;
  const entry = { id: String(id), earlierAttempts: Number(attempts), fields: toFields(parts, texts) };
  return typeof idleMs === 'number' ? { ...entry, idleMs } : entry;
}

/** Every stream entry has fields, so one without any was deleted. */
function toFields(parts: readonly unknown[], texts: PageTexts): [Buffer, Buffer][] | undefined {
  if (parts.length === FIRST_LENGTH) return undefined;
  const fields: [Buffer, Buffer][] = [];
  for (let index = FIRST_LENGTH; index + 1 < parts.length; index += 2)
    fields.push([texts.name(Number(parts[index])), texts.next(Number(parts[index + 1]))]);
  return fields;
}

/** Index of the first length in an entry's head. */
const FIRST_LENGTH = 3;

class PageTexts {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Nearly all fields are named `s`, so they share one buffer for it. */
  name(length: number): Buffer {
    const isBody = length === 1 && this.#bytes[this.#position] === BODY_NAME[0];
    return isBody ? this.#skip(BODY_NAME) : this.next(length);
  }

  next(length: number): Buffer {
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  #skip(text: Buffer): Buffer {
    this.#position += text.length;
    return text;
  }
}
