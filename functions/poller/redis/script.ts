import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type ScriptArgument = string | number | Buffer;

/**
 * A Lua script. Its source is sent only if the server does not have it cached. Replies consist of Buffers, numbers, arrays
 * and null.
 */
export class Script {
  readonly #source: string;
  readonly #sha1: string;

  constructor(source: string) {
    this.#source = source;
    this.#sha1 = createHash('sha1').update(source).digest('hex');
  }

  async run(redis: Redis, args: readonly ScriptArgument[]): Promise<unknown> {
    // Passed as one array: an entry may have so many arguments that spreading them would overflow the stack.
    try {
      return await redis.callBuffer('EVALSHA', [this.#sha1, '0', ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.callBuffer('EVAL', [this.#source, '0', ...args]);
    }
  }
}

/** Prefix of the error that a script returns if the lock is no longer held. */
export const LOCK_LOST = 'LOCKLOST';

/** Lua: ends the script with an error unless the lock (ARGV[1]) has the caller's value (ARGV[2]). */
export const REQUIRE_LOCK = `
if redis.call('GET', ARGV[1]) ~= ARGV[2] then
  return redis.error_reply('${LOCK_LOST} the lock is no longer held by this consumer')
end
`;
