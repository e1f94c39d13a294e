import type { Redis } from 'ioredis';
import { errorCodeOf, RefusalError, type RefusedCommand } from './refusals.ts';
import { Script, type ScriptArgument } from './script.ts';

/*
 * Writes that Redis may refuse, in an order that leaves nothing half done. Redis checks permissions, types and its own
 * condition command by command, also inside a script, and does not undo what a script has written before an error.
 * Therefore each command that can be refused precedes everything that cannot be repeated.
 *
 * A script that has begun to write may use commands that need memory even if Redis is full. So a script that must work
 * then begins with a write that needs none, such as DEL or XACK.
 */

/**
 * Lua: `attempt` runs a command. If Redis refuses it, `attempt` ends the enclosing `untilRefused`, whose result is then the
 * refused command, its key and the error.
 */
const ATTEMPT = `
local function isError(reply) return type(reply) == 'table' and reply.err ~= nil end

local function refuse(command, key, text) error({command, key, text}) end

local function attempt(key, command, ...)
  local reply = redis.pcall(command, ...)
  if isError(reply) then refuse(command, key, reply.err) end
  return reply
end

local function untilRefused(step, ...)
  local isDone, result = pcall(step, ...)
  if not isDone and (type(result) ~= 'table' or #result ~= 3) then error(result) end
  return result
end
`;

/**
 * Lua: `applyEffects` first makes sure that every stream but the first takes an entry: XADD with the ID 0-0 passes all
 * checks of a real one and adds nothing. Then it deletes cache keys, which can be repeated. The XADD to the first stream is
 * its own test, and no later one can be refused.
 */
export const REFUSABLE_WRITES = `${ATTEMPT}
local UNWRITABLE = 'WRONGTYPE the key is not a stream that can take an entry'

local takesEntries = {}
local function takesEntry(stream)
  if takesEntries[stream] ~= nil then return takesEntries[stream] end
  local text = redis.pcall('XADD', stream, '0-0', 's', '').err
  if not string.find(text, 'greater than 0-0', 1, true) then refuse('XADD', stream, text) end
  local kind = attempt(stream, 'TYPE', stream).ok
  local takes = kind == 'none' or kind == 'stream'
  if kind == 'stream' then
    local info = attempt(stream, 'XINFO', 'STREAM', stream)
    for index = 1, #info, 2 do
      -- Below this time there are at least 2^64 more IDs.
      if info[index] == 'last-generated-id' and string.find(info[index + 1], '^18446744073709551615%-') then takes = false end
    end
  end
  takesEntries[stream] = takes
  return takes
end

local function add(stream, ...)
  local reply = redis.pcall('XADD', stream, '*', ...)
  if not isError(reply) then
    takesEntries[stream] = true
    return true
  end
  if string.find(reply.err, 'WRONGTYPE', 1, true) or string.find(reply.err, 'exhausted', 1, true) then return false end
  refuse('XADD', stream, reply.err)
end

local function unlink(keys)
  for first = 1, #keys, 1000 do
    local last = math.min(first + 999, #keys)
    if isError(redis.pcall('UNLINK', unpack(keys, first, last))) then
      -- One by one, to find the key that is refused.
      for index = first, last do attempt(keys[index], 'UNLINK', keys[index]) end
    end
  end
end

-- Returns the indexes of the publications whose keys cannot take an entry; then nothing is added. Otherwise returns nil.
local function applyEffects(keys, publications, deadStream, fields)
  local streams, isListed = {}, {}
  local function list(stream)
    if not isListed[stream] then streams[#streams + 1] = stream end
    isListed[stream] = true
  end
  for index = 1, #publications, 2 do list(publications[index]) end
  if #fields > 0 then list(deadStream) end

  local unwritable, isWritable = {}, true
  local function mark(stream, takes)
    if takes then return end
    if #fields > 0 and stream == deadStream then refuse('XADD', stream, UNWRITABLE) end
    unwritable[stream] = true
    isWritable = false
  end
  for index = #streams, 2, -1 do mark(streams[index], takesEntry(streams[index])) end
  if isWritable then unlink(keys) end
  for index = 1, #publications, 2 do
    if isWritable then mark(publications[index], add(publications[index], 's', publications[index + 1])) end
  end
  if isWritable and #fields > 0 then mark(deadStream, add(deadStream, unpack(fields))) end
  if isWritable then return nil end

  local indexes = {}
  for index = 1, #publications, 2 do
    if unwritable[publications[index]] then indexes[#indexes + 1] = (index - 1) / 2 end
  end
  return indexes
end
`;

/** Decodes the result of `untilRefused`; undefined if nothing was refused. */
export function toRefusedCommand(reply: unknown): RefusedCommand | undefined {
  const [command, key, text]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Buffer.isBuffer(command)) return undefined;
  return { command: command.toString(), key: String(key), code: errorCodeOf(String(text)) };
}

/** A script that writes, and names the command if Redis refuses one. Its source uses `attempt`. */
export class WriteScript {
  /** For EVAL in a transaction. */
  readonly source: string;
  readonly #script: Script;

  constructor(source: string) {
    this.source = `${ATTEMPT}\nreturn untilRefused(function()\n${source}\nend)`;
    this.#script = new Script(this.source);
  }

  /** Rejects with a {@link RefusalError} if Redis refuses a command. */
  async run(redis: Redis, args: readonly ScriptArgument[]): Promise<unknown> {
    const reply = await this.#script.run(redis, args);
    const refused = toRefusedCommand(reply);
    if (refused !== undefined) throw new RefusalError(refused);
    return reply;
  }
}
