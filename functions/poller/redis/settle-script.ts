import type { Redis } from 'ioredis';
import { REFUSABLE_WRITES, toRefusedCommand } from './refusable-writes.ts';
import { isRefusalOfServer, RefusalError, type RefusedCommand, refusalCodeOf } from './refusals.ts';
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
 * - `already`: nothing was done, because the entry is not pending. The consumer that acknowledged it has applied its effects.
 * - `unwritable`: nothing was done, because the keys of these publications cannot take an entry.
 * - `refused`: Redis refuses a command. The entry is pending; at most some of its cache keys are deleted.
 * - `deferred`: nothing was done, because an earlier settlement in one of its queues was not done.
 */
export type SettlementResult =
  | { readonly kind: 'settled' | 'already' | 'deferred' }
  | { readonly kind: 'unwritable'; readonly publications: readonly number[] }
  | { readonly kind: 'refused'; readonly refused: RefusedCommand };

/** Maximum number of names and values stored as fields (an even number): Lua passes at most about 8,000 values to a command. */
const MAX_FIELD_TEXTS = 7000;

/** Field of a dead letter that contains the surplus fields, as a MessagePack list of names and values. */
export const SURPLUS_FIELD = 'surplus';

const SETTLED = 1;
const ALREADY = 0;
const DEFERRED = 2;

/**
 * Settles entries independently of each other. The acknowledgement comes last, when nothing can be refused any more: XACK of
 * an ID that is never pending has passed all checks of the real one. If two pollers settle the same entry, one finds that
 * it is not pending. Because the script is atomic, that entry then has all its effects.
 */
const SETTLE = new Script(`${REFUSABLE_WRITES}
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

local function takeSettlement()
  local stream, group, id = take(), take(), take()
  return {
    stream = stream,
    group = group,
    id = id,
    queues = takeMany(tonumber(take())),
    keys = takeMany(tonumber(take())),
    publications = takeMany(2 * tonumber(take())),
    deadStream = take(),
    fields = takeMany(2 * tonumber(take())),
  }
end

local function deadLetterFields(one)
  local fields = one.fields
  if #fields == 0 then return fields end
  local entry = attempt(one.stream, 'XRANGE', one.stream, one.id, one.id)[1]
  for index, text in ipairs(entry and entry[2] or {}) do
    fields[#fields + 1] = index % 2 == 1 and 'original.' .. text or text
  end
  packSurplus(fields)
  return fields
end

local mayAcknowledge = {}
local function requireAcknowledgement(stream, group)
  local name = stream .. ' ' .. group
  if not mayAcknowledge[name] then attempt(stream, 'XACK', stream, group, '0-0') end
  mayAcknowledge[name] = true
end

local function settle(one)
  requireAcknowledgement(one.stream, one.group)
  local pending = attempt(one.stream, 'XPENDING', one.stream, one.group, one.id, one.id, 1)
  if #pending == 0 then return ${ALREADY} end
  local unwritable = applyEffects(one.keys, one.publications, one.deadStream, deadLetterFields(one))
  if unwritable then return unwritable end
  redis.call('XACK', one.stream, one.group, one.id)
  return ${SETTLED}
end

local function settleInOrder(one)
  for _, queue in ipairs(one.queues) do
    if stuck[queue] then
      setStuck(one.queues)
      return ${DEFERRED}
    end
  end
  local result = untilRefused(settle, one)
  if type(result) == 'table' then setStuck(one.queues) end
  return result
end

local results = {}
while position < #ARGV do results[#results + 1] = settleInOrder(takeSettlement()) end
return results
`);

const ACKNOWLEDGED: SettlementResult = { kind: 'settled' };

/**
 * Returns one result per settlement. Rejects if Redis is unreachable, and with a {@link RefusalError} if the server accepts
 * no writes at present; then repeating the call is safe.
 */
export async function settle(redis: Redis, settlements: readonly Settlement[]): Promise<SettlementResult[]> {
  const results = new Array<SettlementResult>(settlements.length).fill(ACKNOWLEDGED);
  const withEffects: number[] = [];
  const acknowledgements: Acknowledgement[] = [];
  let last: Acknowledgement | undefined;
  for (let index = 0; index < settlements.length; index++) {
    const settlement = settlements[index];
    if (settlement === undefined) continue;
    if (!isMereAcknowledgement(settlement)) {
      withEffects.push(index);
      continue;
    }
    // Nearly always the group of the entry before.
    if (last?.stream !== settlement.stream || last.group !== settlement.group)
      last = acknowledgementOf(acknowledgements, settlement);
    last.ids.push(settlement.id);
    last.indexes.push(index);
  }
  await Promise.all([
    settleWithEffects(redis, settlements, withEffects, results),
    ...acknowledgements.map((one) => acknowledge(redis, one, results)),
  ]);
  return results;
}

async function settleWithEffects(
  redis: Redis,
  settlements: readonly Settlement[],
  indexes: readonly number[],
  results: SettlementResult[],
): Promise<void> {
  if (indexes.length === 0) return;
  const args = indexes.flatMap((index) => {
    const settlement = settlements[index];
    return settlement === undefined ? [] : toArguments(settlement);
  });
  const reply = await SETTLE.run(redis, args);
  if (!Array.isArray(reply) || reply.length !== indexes.length)
    throw new Error(`the settlement of ${indexes.length} entries returned a different number of results`);
  for (const [position, index] of indexes.entries()) results[index] = toResult(reply[position]);
}

/** Returns true if the entry needs only its acknowledgement. */
export function isMereAcknowledgement({ cacheKeys, publications, deadLetter }: Settlement): boolean {
  return cacheKeys.length === 0 && publications.length === 0 && deadLetter === undefined;
}

/** Entries of one group without effects. `indexes`: of their settlements. */
interface Acknowledgement {
  readonly stream: string;
  readonly group: string;
  readonly ids: string[];
  readonly indexes: number[];
}

function acknowledgementOf(known: Acknowledgement[], { stream, group }: Settlement): Acknowledgement {
  const found = known.find((one) => one.stream === stream && one.group === group);
  if (found !== undefined) return found;
  const created = { stream, group, ids: [], indexes: [] };
  known.push(created);
  return created;
}

/** Entries without effects need only XACK, which needs no script and is safe to repeat. */
async function acknowledge(
  redis: Redis,
  { stream, group, ids, indexes }: Acknowledgement,
  results: SettlementResult[],
): Promise<void> {
  try {
    await redis.xack(stream, group, ...ids);
  } catch (error) {
    const code = refusalCodeOf(error);
    if (code === undefined) throw error;
    const refused = refusedResult({ command: 'XACK', key: stream, code });
    for (const index of indexes) results[index] = refused;
  }
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
  const refused = toRefusedCommand(reply);
  if (refused !== undefined) return refusedResult(refused);
  if (Array.isArray(reply)) return { kind: 'unwritable', publications: reply.map(Number) };
  switch (reply) {
    case SETTLED:
      return ACKNOWLEDGED;
    case DEFERRED:
      return { kind: 'deferred' };
    default:
      return { kind: 'already' };
  }
}

/** A refusal that concerns the whole server is thrown: it concerns every entry, and may be over in a moment. */
function refusedResult(refused: RefusedCommand): SettlementResult {
  if (isRefusalOfServer(refused.code)) throw new RefusalError(refused);
  return { kind: 'refused', refused };
}
