import type { Redis } from 'ioredis';
import { deadLetterStream } from '../../../shared/dead-letter.ts';

/**
 * Puts an entry back at its stream's end and removes its dead letter, in one step; false where it is gone already. A
 * transaction rather than a script, for Lua can't hand on the fields of every entry.
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
      throw new Error(`the key '${stream}' holds no stream`);
    }
    // Null where another has changed the dead letters meanwhile.
    const replies = await redis
      .multi()
      // As one list: spread out, as many fields as an entry may have would overflow the stack.
      .call('XADD', [stream, '*', ...fields.flat()])
      .xdel(deadLetters, id)
      .exec();
    if (replies !== null) return true;
  }
}
