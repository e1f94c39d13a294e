import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../shared/dead-letter.ts';
import { WriteScript } from '../redis/refusable-writes.ts';

/** Maximum number of names and values: Lua passes at most about 8,000 values to a command. */
const MAX_TEXTS = 7000;

/**
 * Deletes the dead letter last, when the entry is in its stream. XDEL of an ID that never exists comes first: it finds out
 * whether XDEL is allowed, and makes Redis accept XADD even if it is full. Otherwise the dead letter could remain after the
 * entry was added, and be redriven twice.
 */
const REDRIVE = new WriteScript(`
local deadLetters, id, stream = ARGV[1], ARGV[2], ARGV[3]
if #attempt(deadLetters, 'XRANGE', deadLetters, id, id) == 0 then return 0 end
attempt(deadLetters, 'XDEL', deadLetters, '0-0')
attempt(stream, 'XADD', stream, '*', unpack(ARGV, 4))
return redis.call('XDEL', deadLetters, id)
`);

/** Deletes the dead letter if the stream's newest entry has the given last fields, which identify its redrive. */
const DELETE_IF_ADDED = new WriteScript(`
local deadLetters, id, stream = ARGV[1], ARGV[2], ARGV[3]
local newest = attempt(stream, 'XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local fields = newest and newest[2] or {}
for index = 4, #ARGV do
  if fields[#fields - #ARGV + index] ~= ARGV[index] then return 0 end
end
return attempt(deadLetters, 'XDEL', deadLetters, id)
`);

/** How many of the entry's last fields identify its redrive: its first ID, its attempts and its group. */
const IDENTIFYING_FIELDS = 3;

/**
 * Adds an entry to the end of its stream and removes its dead letter, in one step. Returns false if the dead letter no
 * longer exists. Rejects with a RefusalError if Redis refuses a command; then nothing has changed.
 */
export async function redrive(
  redis: Redis,
  stream: string,
  id: string,
  fields: readonly (readonly [Buffer, Buffer])[],
): Promise<boolean> {
  if (2 * fields.length > MAX_TEXTS) return redriveLarge(redis, stream, id, fields);
  return (await REDRIVE.run(redis, [deadLetterStream(stream), id, stream, ...fields.flat()])) === 1;
}

/**
 * For an entry with more fields than a script can add. In a transaction Redis runs the commands that follow a refused one, so
 * the last one checks whether the entry was added.
 */
async function redriveLarge(
  redis: Redis,
  stream: string,
  id: string,
  fields: readonly (readonly [Buffer, Buffer])[],
): Promise<boolean> {
  const deadLetters = deadLetterStream(stream);
  for (;;) {
    await redis.watch(deadLetters);
    const [letter] = await redis.xrange(deadLetters, id, id);
    if (letter === undefined) {
      await redis.unwatch();
      return false;
    }
    await redis.xdel(deadLetters, '0-0');
    const deletion = [deadLetters, id, stream, ...fields.slice(-IDENTIFYING_FIELDS).flat()];
    // As one list: spread out, as many fields as an entry may have would overflow the stack.
    const transaction = redis.multi().call('XADD', [stream, '*', ...fields.flat()]);
    const replies = await transaction.eval(DELETE_IF_ADDED.source, 0, ...deletion).exec();
    // Null if another client has changed the dead letters in the meantime.
    if (replies === null) continue;
    for (const [error] of replies) if (error !== null) throw error;
    return true;
  }
}
