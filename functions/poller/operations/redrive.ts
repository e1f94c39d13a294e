import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../shared/dead-letter.ts';

/**
 * Adds an entry to the end of its stream and removes its dead letter, in one step. Returns false if the dead letter no
 * longer exists. Uses a transaction rather than a script, because some entries have more fields than Lua can pass to a
 * command.
 */
export async function redrive(
  redis: Redis,
  stream: string,
  id: string,
  fields: readonly (readonly [Buffer, Buffer])[],
): Promise<boolean> {
  const deadLetters = deadLetterStream(stream);
  for (;;) {
    await redis.watch(deadLetters);
    const [letter] = await redis.xrange(deadLetters, id, id);
    const kind = await redis.type(stream);
    if (letter === undefined || (kind !== 'stream' && kind !== 'none')) {
      await redis.unwatch();
      if (letter === undefined) return false;
      throw new Error(`the key '${stream}' is not a stream`);
    }
    // Null if another client has changed the dead letters in the meantime.
    const replies = await redis
      .multi()
      // As one list: spread out, as many fields as an entry may have would overflow the stack.
      .call('XADD', [stream, '*', ...fields.flat()])
      .xdel(deadLetters, id)
      .exec();
    if (replies !== null) return true;
  }
}
