import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { namespaced, reindexProgressKey } from '../../../../shared/registry/beeorm-names.ts';
import { Script, type ScriptArgument } from '../../redis/script.ts';
import type { Document } from './documents.ts';
import type { SearchIndex } from './search-index.ts';

const TTL_SECONDS = 86_400;

/** Documents in one call of the script: Redis serves nobody else meanwhile. */
const DOCUMENTS_PER_CALL = 50;
/** Calls sent before their replies are waited for. */
const MAX_CALLS_IN_FLIGHT = 10;

/** Another run over the index has begun. */
export class IndexTakenError extends Error {
  override readonly name = 'IndexTakenError';
}

/** A document's key holds something else. */
export class UnwritableDocumentError extends Error {
  override readonly name = 'UnwritableDocumentError';
}

const TAKEN = 'INDEXTAKEN';

/** The lock may stand in another Redis than the documents: of no use where the two must be one step. */
const REQUIRE_RUN = `
if redis.call('GET', ARGV[1]) ~= ARGV[2] then
  return redis.error_reply('${TAKEN} another run over the index has begun')
end
`;

/** Answers with the key of a document that can't be written. */
const WRITE = new Script(`${REQUIRE_RUN}
local at = 3
while at <= #ARGV do
  local key, count = ARGV[at], tonumber(ARGV[at + 1])
  local reply = redis.pcall('HSET', key, unpack(ARGV, at + 2, at + 1 + count))
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then return key end
    return reply
  end
  at = at + 2 + count
end
return false
`);

const NOTE = new Script(`${REQUIRE_RUN}
redis.call('EXPIRE', ARGV[1], ARGV[5])
return redis.call('SET', ARGV[3], ARGV[4], 'EX', ARGV[5])
`);

const END = new Script(`${REQUIRE_RUN}
return redis.call('DEL', ARGV[1], ARGV[3])
`);

/**
 * One run over an index. Whoever begins another one ends it: a consumer that was paused would else write what its
 * successor has written later states of, or leave a progress that makes the next run begin in the middle.
 *
 * Progress stands where BeeORM's consumer keeps it: either may go on with it. All that writes rejects with an
 * {@link IndexTakenError}, or as Redis does.
 */
export class IndexRun {
  readonly #redis: Redis;
  readonly #progressKey: string;
  readonly #runKey: string;
  readonly #value: string;

  private constructor(redis: Redis, { name, redisPool }: SearchIndex, entry: string) {
    this.#redis = redis;
    this.#value = `${randomBytes(16).toString('base64')} ${entry}`;
    this.#progressKey = namespaced(redisPool, reindexProgressKey(name));
    this.#runKey = `${this.#progressKey}:run`;
  }

  /**
   * Rows are to be read after this alone.
   *
   * @param redis of the index's documents
   * @param entry id of the entry that asks for the run
   * @returns also the last ID that is done; `0` where none is
   */
  static async begin(
    redis: Redis,
    index: SearchIndex,
    entry: string,
  ): Promise<{ readonly run: IndexRun; readonly lastId: string }> {
    const run = new IndexRun(redis, index, entry);
    const before = await redis.set(run.#runKey, run.#value, 'EX', TTL_SECONDS, 'GET');
    // Of another entry, which was set aside on its way: rows have changed since, or this one would not be there.
    const isOfAnother = before !== null && before.split(' ')[1] !== entry;
    const progress = isOfAnother ? null : await redis.get(run.#progressKey);
    return { run, lastId: progress !== null && /^\d{1,20}$/.test(progress) ? progress : '0' };
  }

  /** Also rejects with an {@link UnwritableDocumentError}; documents may then be written in part. */
  async write(documents: readonly Document[]): Promise<void> {
    const most = DOCUMENTS_PER_CALL * MAX_CALLS_IN_FLIGHT;
    for (let start = 0; start < documents.length; start += most)
      await this.#writeSome(documents.slice(start, start + most));
  }

  async note(lastId: string): Promise<void> {
    await this.#run(NOTE, [this.#progressKey, lastId, TTL_SECONDS]);
  }

  /** Nothing is left to do: the next run begins with the first row. */
  async end(): Promise<void> {
    await this.#run(END, [this.#progressKey]);
  }

  async #writeSome(documents: readonly Document[]): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (let start = 0; start < documents.length; start += DOCUMENTS_PER_CALL) {
      const some = documents.slice(start, start + DOCUMENTS_PER_CALL);
      const args = some.flatMap(({ key, pairs }) => [key, pairs.length, ...pairs]);
      calls.push(this.#run(WRITE, args));
    }
    for (const key of await Promise.all(calls)) {
      if (Buffer.isBuffer(key))
        throw new UnwritableDocumentError(`key ${key.toString()} holds something other than a hash`);
    }
  }

  async #run(script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      return await script.run(this.#redis, [this.#runKey, this.#value, ...args]);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(TAKEN)) throw new IndexTakenError(error.message);
      throw error;
    }
  }
}
