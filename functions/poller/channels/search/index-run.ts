import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { namespaced, reindexProgressKey } from '../../../../shared/registry/beeorm-names.ts';
import { toRefusedCommand, WriteScript } from '../../redis/refusable-writes.ts';
import { RefusalError } from '../../redis/refusals.ts';
import { Script, type ScriptArgument } from '../../redis/script.ts';
import type { Document } from './documents.ts';
import type { SearchIndex } from './search-index.ts';

const TTL_SECONDS = 86_400;

/** Maximum documents per call of the script: Redis serves no other client while it runs. */
const DOCUMENTS_PER_CALL = 50;
/** Maximum calls that are sent before waiting for their replies. */
const MAX_CALLS_IN_FLIGHT = 10;

/** Another run for the same index has begun. */
export class IndexTakenError extends Error {
  override readonly name = 'IndexTakenError';
}

/** The key of a document holds a value that is not a hash. */
export class UnwritableDocumentError extends Error {
  override readonly name = 'UnwritableDocumentError';
}

const TAKEN = 'INDEXTAKEN';

/**
 * Checks the run key instead of the lock. The lock may be stored in a different Redis than the documents, so checking it
 * and writing documents cannot be atomic.
 */
const REQUIRE_RUN = `
if redis.call('GET', ARGV[1]) ~= ARGV[2] then
  return redis.error_reply('${TAKEN} another run for the index has begun')
end
`;

/** Returns the key of the first document that cannot be written, the refused command, or false if all are written. */
const WRITE = new Script(`${REQUIRE_RUN}
local at = 3
while at <= #ARGV do
  local key, count = ARGV[at], tonumber(ARGV[at + 1])
  local reply = redis.pcall('HSET', key, unpack(ARGV, at + 2, at + 1 + count))
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then return key end
    return {'HSET', key, reply.err}
  end
  at = at + 2 + count
end
return false
`);

/**
 * Takes the run key and returns the progress. If the last run was another entry's, it did not finish, because that entry
 * became a dead letter. Its progress is outdated: the application requested this run because rows have changed since. It is
 * deleted before the run key says that this entry's run has begun; otherwise, after a crash in between, this entry's next
 * run would take it for its own.
 */
const BEGIN = new WriteScript(`
local runKey, value, progressKey, entry, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local previous = attempt(runKey, 'GET', runKey)
if previous and string.match(previous, ' (.*)$') ~= entry then attempt(progressKey, 'DEL', progressKey) end
local progress = attempt(progressKey, 'GET', progressKey)
attempt(runKey, 'SET', runKey, value, 'EX', ttl)
return progress
`);

const RECORD_PROGRESS = new Script(`${REQUIRE_RUN}
redis.call('EXPIRE', ARGV[1], ARGV[5])
return redis.call('SET', ARGV[3], ARGV[4], 'EX', ARGV[5])
`);

const END = new Script(`${REQUIRE_RUN}
return redis.call('DEL', ARGV[1], ARGV[3])
`);

/**
 * One run that writes the documents of an index. It ends when another run for the index begins. Otherwise a paused
 * consumer could overwrite the newer documents of its successor, or leave a progress value that makes the next run start
 * in the middle.
 *
 * The progress is stored under the same key as that of BeeORM's consumer, so each can continue the other's run. All
 * methods that write reject with an {@link IndexTakenError} if another run has begun, or with the error of Redis.
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
   * Begins a run. Read rows only after this: rows read earlier may be outdated.
   *
   * @param redis the connection to the pool of the index's documents
   * @param entry id of the entry that requests the run
   * @returns the run, and the last ID that is already written; `0` if there is none
   */
  static async begin(
    redis: Redis,
    index: SearchIndex,
    entry: string,
  ): Promise<{ readonly run: IndexRun; readonly lastId: string }> {
    const run = new IndexRun(redis, index, entry);
    const progress = String(
      await BEGIN.run(redis, [run.#runKey, run.#value, run.#progressKey, entry, TTL_SECONDS]),
    );
    return { run, lastId: /^\d{1,20}$/.test(progress) ? progress : '0' };
  }

  /** Also rejects with an {@link UnwritableDocumentError}; some of the documents may be written then. */
  async write(documents: readonly Document[]): Promise<void> {
    const maxDocuments = DOCUMENTS_PER_CALL * MAX_CALLS_IN_FLIGHT;
    for (let start = 0; start < documents.length; start += maxDocuments)
      await this.#writeInParallel(documents.slice(start, start + maxDocuments));
  }

  /** Records the last ID that is written, which is where the next run continues. */
  async recordProgress(lastId: string): Promise<void> {
    await this.#run(RECORD_PROGRESS, [this.#progressKey, lastId, TTL_SECONDS]);
  }

  /** Ends a completed run: the next run starts at the first row. */
  async end(): Promise<void> {
    await this.#run(END, [this.#progressKey]);
  }

  async #writeInParallel(documents: readonly Document[]): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (let start = 0; start < documents.length; start += DOCUMENTS_PER_CALL) {
      const chunk = documents.slice(start, start + DOCUMENTS_PER_CALL);
      const args = chunk.flatMap(({ key, pairs }) => [key, pairs.length, ...pairs]);
      calls.push(this.#run(WRITE, args));
    }
    for (const key of await Promise.all(calls)) {
      if (Buffer.isBuffer(key))
        throw new UnwritableDocumentError(`key ${key.toString()} holds something other than a hash`);
    }
  }

  async #run(script: Script, args: readonly ScriptArgument[]): Promise<unknown> {
    try {
      const reply = await script.run(this.#redis, [this.#runKey, this.#value, ...args]);
      const refused = toRefusedCommand(reply);
      if (refused !== undefined) throw new RefusalError(refused);
      return reply;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith(TAKEN)) throw new IndexTakenError(error.message);
      throw error;
    }
  }
}
