import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type ScriptArgument = string | number | Buffer;

/** A Lua script, sent whole only where the server doesn't know it yet. Replies hold Buffers, numbers, arrays and null. */
export class Script {
  readonly #source: string;
  readonly #sha1: string;

  constructor(source: string) {
    this.#source = source;
    this.#sha1 = createHash('sha1').update(source).digest('hex');
  }

  async run(redis: Redis, args: readonly ScriptArgument[]): Promise<unknown> {
    // As one list: spread out, as many as an entry may bring would overflow the stack.
    try {
      return await redis.callBuffer('EVALSHA', [this.#sha1, '0', ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.callBuffer('EVAL', [this.#source, '0', ...args]);
    }
  }
}

/** First words of the error with which a script ends that found the lock in other hands. */
const LOCK_LOST = 'LOCKLOST';

/** Lua: ends the script unless the lock (ARGV[1]) holds one's own value (ARGV[2]). */
export const REQUIRE_LOCK = `
if redis.call('GET', ARGV[1]) ~= ARGV[2] then
  return redis.error_reply('${LOCK_LOST} the lock is no longer held by this consumer')
end
`;
