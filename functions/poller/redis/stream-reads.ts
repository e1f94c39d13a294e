import { Decoder } from '@msgpack/msgpack';
import type { Redis } from 'ioredis';
import { REQUIRE_LOCK, Script } from './script.ts';

/** An entry as it stands in the stream. */
export interface StreamEntry {
  readonly id: string;
  /** Field names and values, in order; undefined where the entry is pending but no longer in the stream. */
  readonly fields: readonly (readonly [Buffer, Buffer])[] | undefined;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** Milliseconds since it was last delivered, or claimed with a time of its own; absent where it is new. */
  readonly idleMs?: number;
}

/** The first value of a field; undefined where there is none. */
export function fieldValue(entry: StreamEntry, name: string): Buffer | undefined {
  const { fields = [] } = entry;
  for (let place = 0; place < fields.length; place++) {
    const field = fields[place];
    if (field !== undefined && isNamed(field[0], name)) return field[1];
  }
  return undefined;
}

/** `name`: of ASCII characters. */
export function isNamed(field: Buffer, name: string): boolean {
  if (field.length !== name.length) return false;
  // By far the most fields are called `s`: their one byte needs no string.
  return field[0] === name.charCodeAt(0) && (name.length === 1 || field.toString('latin1') === name);
}

/** A stream with its group, named as they stand in Redis, and the lock under which they are read. */
export interface FencedGroup {
  readonly lockKey: string;
  readonly lockValue: string;
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
}

export interface ReadLimit {
  readonly entries: number;
  readonly bytes: number;
}

/*
 * A page travels as one MessagePack value: reading thousands of small replies one by one costs the client three times as
 * much as the entries' own work in Redis.
 */

/** Entries fetched in one go inside a script, so that one page of large entries can't fill the server's memory. */
const STEP = 16;

/**
 * Reading and checking the lock are one step: a poller that was paused after its last check would take entries that its
 * successor's later ones have overtaken.
 */
const READ_NEW = new Script(`${REQUIRE_LOCK}
local stream, group, consumer = ARGV[3], ARGV[4], ARGV[5]
local most, mostBytes, step = tonumber(ARGV[6]), tonumber(ARGV[7]), ${STEP}
local found, bytes = {}, 0
while #found < most and bytes < mostBytes do
  local count = math.min(step, most - #found)
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
  if not reply then break end
  local entries = reply[1][2]
  local before = bytes
  for _, entry in ipairs(entries) do
    found[#found + 1] = {entry[1], 1, entry[2]}
    if entry[2] then
      for _, text in ipairs(entry[2]) do bytes = bytes + #text end
    end
  end
  if #entries < count then break end
  local perEntry = (bytes - before) / #entries + 1
  step = math.max(1, math.min(512, math.floor((mostBytes - bytes) / perEntry)))
end
return cmsgpack.pack(found)
`);

/**
 * Reads entries that were delivered before and not acknowledged. Reading them again counts as a delivery, up to the
 * number from which an entry is suspected (0: not at all): from there on each attempt is counted when it begins.
 */
const READ_PENDING = new Script(`${REQUIRE_LOCK}
local stream, group, consumer = ARGV[3], ARGV[4], ARGV[5]
local most, mostBytes, start, suspectedFrom = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
local found, bytes = {}, 0
local pending = redis.call('XPENDING', stream, group, start, '+', most, consumer)
for _, item in ipairs(pending) do
  local id, idle, deliveries = item[1], item[3], item[4]
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry and deliveries < suspectedFrom then
    deliveries = deliveries + 1
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
  end
  found[#found + 1] = {id, deliveries, entry and entry[2] or false, idle}
  if entry then
    for _, text in ipairs(entry[2]) do bytes = bytes + #text end
  end
  if bytes >= mostBytes then break end
end
return cmsgpack.pack(found)
`);

/** Entries that nobody has read yet, oldest first. Rejects with an error that starts with LOCK_LOST. */
export async function readNew(redis: Redis, group: FencedGroup, limit: ReadLimit): Promise<StreamEntry[]> {
  return toEntries(await READ_NEW.run(redis, [...readArguments(group), limit.entries, limit.bytes]));
}

/** This consumer's pending entries after `afterId` (`0` for all), oldest first. Rejects like `readNew`. */
export async function readPending(
  redis: Redis,
  group: FencedGroup,
  limit: ReadLimit,
  afterId: string,
  suspectedFrom: number,
): Promise<StreamEntry[]> {
  const args = [...readArguments(group), limit.entries, limit.bytes, `(${afterId}`, suspectedFrom];
  return toEntries(await READ_PENDING.run(redis, args));
}

/** Sets how often the entries count as delivered. Entries that are no longer pending stay so. */
export async function setDeliveries(
  redis: Redis,
  group: FencedGroup,
  ids: readonly string[],
  deliveries: number,
): Promise<void> {
  const { stream, group: name, consumer } = group;
  await redis.call('XCLAIM', stream, name, consumer, '0', ...ids, 'RETRYCOUNT', String(deliveries), 'JUSTID');
}

function readArguments(group: FencedGroup): string[] {
  return [group.lockKey, group.lockValue, group.stream, group.group, group.consumer];
}

const LARGE_BYTES = 1 << 16;

const BODY_NAME = Buffer.from('s');

/** Strings as the bytes that they are; large ids and counts as they come. */
const pages = new Decoder({ rawStrings: true });

function toEntries(reply: unknown): StreamEntry[] {
  if (!Buffer.isBuffer(reply)) return [];
  const page = pages.decode(reply);
  return Array.isArray(page) ? page.map(toEntry) : [];
}

function toEntry(item: unknown): StreamEntry {
  const [id, deliveries, flat, idleMs]: unknown[] = Array.isArray(item) ? item : [];
  const entry = {
    id: Buffer.isBuffer(id) ? id.toString('latin1') : '',
    deliveries: Number(deliveries),
    fields: Array.isArray(flat) ? toPairs(flat) : undefined,
  };
  return typeof idleMs === 'number' ? { ...entry, idleMs } : entry;
}

/** The decoder hands out parts of the page that it was given, a Buffer: Buffers too. */
function toPairs(flat: readonly unknown[]): [Buffer, Buffer][] {
  const pairs: [Buffer, Buffer][] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = flat[index];
    const value = flat[index + 1];
    if (Buffer.isBuffer(name) && Buffer.isBuffer(value)) {
      pairs.push([isNamed(name, 's') ? BODY_NAME : detached(name), detached(value)]);
    }
  }
  return pairs;
}

/**
 * An entry that is held for long (its MySQL pool is down) would keep its whole page in memory. Large ones may: a page has
 * few of them, and to have each twice for a while costs more.
 */
function detached(part: Buffer): Buffer {
  return part.length < LARGE_BYTES ? Buffer.from(part) : part;
}
