import type { Redis } from 'ioredis';
import { Script, type ScriptArgument } from './script.ts';

/** An event to add to a stream, under field `s`. */
export interface Publication {
  /** As named in Redis. */
  readonly stream: string;
  readonly body: Buffer;
}

/** A dead letter to write. The script appends the entry's own fields, as they are in the stream. */
export interface DeadLetterWrite {
  /** As named in Redis. */
  readonly stream: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** The remaining effects in the entry's own Redis pool once its statements and log rows are done. */
export interface Settlement {
  readonly stream: string;
  readonly group: string;
  readonly id: string;
  /** As named in Redis. */
  readonly cacheKeys: readonly Buffer[];
  readonly publications: readonly Publication[];
  readonly deadLetter: DeadLetterWrite | undefined;
  /** Names of the queues that keep its publications in order: it waits while an earlier one in such a queue is stuck. */
  readonly orderedBy?: readonly string[];
}

/**
 * - `settled`: acknowledged, with all its effects, in one step.
 * - `already`: nothing was done, because the entry was acknowledged before.
 * - `unwritable`: nothing was done, because the keys of these publications cannot take an entry.
 * - `blocked`: nothing was done, because the key of the dead-letter stream cannot take an entry.
 * - `deferred`: nothing was done, because an earlier settlement in one of its queues was not done.
 */
export type SettlementResult =
  | { readonly kind: 'settled' | 'already' | 'blocked' | 'deferred' }
  | { readonly kind: 'unwritable'; readonly publications: readonly number[] };

/**
 * Lua: checks if a stream key can take an entry. An XADD that fails after the XACK could not be undone. (It cannot fail for
 * lack of memory: Redis checks that only before a script's first write, which is the XACK.)
 */
export const CAN_ADD = `
local function canAdd(key)
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'none' then return true end
  if kind ~= 'stream' then return false end
  local info = redis.call('XINFO', 'STREAM', key)
  for index = 1, #info, 2 do
    if info[index] == 'last-generated-id' then
      return info[index + 1] ~= '18446744073709551615-18446744073709551615'
    end
  end
  return true
end
`;

/** Maximum number of names and values stored as fields (an even number): Lua passes at most about 8,000 values to a command. */
const MAX_FIELD_TEXTS = 7000;

/** Field of a dead letter that contains the surplus fields, as a MessagePack list of names and values. */
export const SURPLUS_FIELD = 'surplus';

const SETTLED = 1;
const ALREADY = 0;
const BLOCKED = 2;
const DEFERRED = 3;

/**
 * Settles entries independently of each other: checks every key that it will write, acknowledges, and only if that succeeds
 * does the rest. The acknowledgement is the compare-and-set: if two pollers settle the same entry, one finds it done.
 */
const SETTLE = new Script(`${CAN_ADD}
local function packSurplus(fields)
  local surplus = {}
  for index = ${MAX_FIELD_TEXTS} + 1, #fields do
    surplus[#surplus + 1] = fields[index]
    fields[index] = nil
  end
  if #surplus == 0 then return end
  fields[#fields + 1] = '${SURPLUS_FIELD}'
  fields[#fields + 1] = cmsgpack.pack(surplus)
end

local position = 0
local function take() position = position + 1 return ARGV[position] end
local function takeMany(count)
  local taken = {}
  for index = 1, count do taken[index] = take() end
  return taken
end

local stuck = {}
local function setStuck(queues)
  for _, queue in ipairs(queues) do stuck[queue] = true end
end

local function settle()
  local stream, group, id = take(), take(), take()
  local queues = takeMany(tonumber(take()))
  local keys = takeMany(tonumber(take()))
  local publications = takeMany(2 * tonumber(take()))
  local deadStream = take()
  local fields = takeMany(2 * tonumber(take()))

  for _, queue in ipairs(queues) do
    if stuck[queue] then
      setStuck(queues)
      return ${DEFERRED}
    end
  end
  local unwritable = {}
  for index = 1, #publications, 2 do
    if not canAdd(publications[index]) then unwritable[#unwritable + 1] = (index - 1) / 2 end
  end
  if #unwritable > 0 then
    setStuck(queues)
    return unwritable
  end
  if #fields > 0 and not canAdd(deadStream) then
    setStuck(queues)
    return ${BLOCKED}
  end
  if #fields > 0 then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    for index, text in ipairs(entry and entry[2] or {}) do
      fields[#fields + 1] = index % 2 == 1 and 'original.' .. text or text
    end
    packSurplus(fields)
  end

  if redis.call('XACK', stream, group, id) == 0 then return ${ALREADY} end
  for index = 1, #keys, 1000 do
    redis.call('UNLINK', unpack(keys, index, math.min(index + 999, #keys)))
  end
  for index = 1, #publications, 2 do
    redis.call('XADD', publications[index], '*', 's', publications[index + 1])
  end
  if #fields > 0 then redis.call('XADD', deadStream, '*', unpack(fields)) end
  return ${SETTLED}
end

local results = {}
while position < #ARGV do results[#results + 1] = settle() end
return results
`);

const ACKNOWLEDGED: SettlementResult = { kind: 'settled' };

/** Returns one result per settlement. Rejects if Redis is unreachable or cannot write now; then nothing was settled. */
export async function settle(redis: Redis, settlements: readonly Settlement[]): Promise<SettlementResult[]> {
  const withoutEffects = settlements.filter(isMereAcknowledgement);
  if (withoutEffects.length === settlements.length) {
    await acknowledge(redis, withoutEffects);
    return withoutEffects.map(() => ACKNOWLEDGED);
  }
  const withEffects = settlements.filter((settlement) => !isMereAcknowledgement(settlement));
  const [results] = await Promise.all([
    settleWithEffects(redis, withEffects),
    acknowledge(redis, withoutEffects),
  ]);
  let index = 0;
  return settlements.map((settlement) => {
    if (isMereAcknowledgement(settlement)) return ACKNOWLEDGED;
    return results[index++] ?? { kind: 'already' };
  });
}

async function settleWithEffects(
  redis: Redis,
  settlements: readonly Settlement[],
): Promise<SettlementResult[]> {
  if (settlements.length === 0) return [];
  const reply = await SETTLE.run(redis, settlements.flatMap(toArguments));
  if (!Array.isArray(reply) || reply.length !== settlements.length)
    throw new Error(`the settlement of ${settlements.length} entries returned a different number of results`);
  return reply.map(toResult);
}

/** Returns true if the entry needs only its acknowledgement. */
export function isMereAcknowledgement({ cacheKeys, publications, deadLetter }: Settlement): boolean {
  return cacheKeys.length === 0 && publications.length === 0 && deadLetter === undefined;
}

interface Acknowledgement {
  readonly stream: string;
  readonly group: string;
  readonly ids: string[];
}

/** Entries without effects need only XACK, which needs no script and is safe to repeat. */
async function acknowledge(redis: Redis, settlements: readonly Settlement[]): Promise<void> {
  const acknowledgements: Acknowledgement[] = [];
  let last: Acknowledgement | undefined;
  for (const { stream, group, id } of settlements) {
    if (last?.stream !== stream || last.group !== group)
      last = acknowledgements.find((one) => one.stream === stream && one.group === group);
    if (last === undefined) {
      last = { stream, group, ids: [] };
      acknowledgements.push(last);
    }
    last.ids.push(id);
  }
  await Promise.all(acknowledgements.map(({ stream, group, ids }) => redis.xack(stream, group, ...ids)));
}

function toArguments(settlement: Settlement): ScriptArgument[] {
  const { cacheKeys, publications, deadLetter, orderedBy = [] } = settlement;
  const fields = deadLetter?.fields ?? [];
  return [
    settlement.stream,
    settlement.group,
    settlement.id,
    orderedBy.length,
    ...orderedBy,
    cacheKeys.length,
    ...cacheKeys,
    publications.length,
    ...publications.flatMap(({ stream, body }) => [stream, body]),
    deadLetter?.stream ?? '',
    fields.length,
    ...fields.flat(),
  ];
}

function toResult(reply: unknown): SettlementResult {
  if (Array.isArray(reply)) return { kind: 'unwritable', publications: reply.map(Number) };
  switch (reply) {
    case SETTLED:
      return { kind: 'settled' };
    case BLOCKED:
      return { kind: 'blocked' };
    case DEFERRED:
      return { kind: 'deferred' };
    default:
      return { kind: 'already' };
  }
}
