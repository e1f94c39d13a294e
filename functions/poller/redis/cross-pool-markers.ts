import type { Redis } from 'ioredis';
import { Script } from './script.ts';
import { CAN_ADD } from './settle-script.ts';

/** An entry's effects in one Redis pool other than its own. */
export interface CrossPoolWrite {
  /** Identifies the entry among all entries that can ever have effects in this pool. */
  readonly marker: string;
  readonly cacheKeys: readonly Buffer[];
  readonly publications: readonly { readonly stream: string; readonly body: Buffer }[];
}

/**
 * - `fenced`: nothing was done, because a later drain of this consumer has begun.
 * - `unwritable`: nothing was done, because the keys of these publications cannot take an entry.
 */
export type CrossPoolResult =
  | { readonly kind: 'done' | 'fenced' }
  | { readonly kind: 'unwritable'; readonly publications: readonly number[] };

const FENCED = 2;

/**
 * Publishes at most once, however often it is called: a hash field that is set in the same step records the entry. The
 * acknowledgement happens in another Redis pool and cannot be part of this step, so the next drain checks the hash. The
 * same hash holds the token of the running drain. Without it, a paused poller that wakes up after its marker was swept
 * would publish again.
 */
const APPLY = new Script(`${CAN_ADD}
local hash, consumer, token, marker, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('HGET', hash, consumer) ~= token then return ${FENCED} end
local position = 6
local keyCount = tonumber(ARGV[position])
local firstPublication = position + keyCount + 2
local publicationCount = tonumber(ARGV[position + keyCount + 1])
local unwritable = {}
for index = 0, publicationCount - 1 do
  if not canAdd(ARGV[firstPublication + 2 * index]) then unwritable[#unwritable + 1] = index end
end
if #unwritable > 0 then return unwritable end
if publicationCount > 0 and redis.call('HSETNX', hash, consumer .. ' ' .. marker, now) == 1 then
  for index = 0, publicationCount - 1 do
    redis.call('XADD', ARGV[firstPublication + 2 * index], '*', 's', ARGV[firstPublication + 2 * index + 1])
  end
end
for index = 1, keyCount do redis.call('UNLINK', ARGV[position + index]) end
return 0
`);

/** The hash of markers in one pool, for one consumer and one drain. */
export class CrossPoolMarkers {
  readonly #redis: Redis;
  readonly #hash: string;
  readonly #consumer: string;
  readonly #token: string;

  constructor(redis: Redis, hash: string, consumer: string, token: string) {
    this.#redis = redis;
    this.#hash = hash;
    this.#consumer = consumer;
    this.#token = token;
  }

  /** Fences off all drains that began earlier. */
  async open(): Promise<void> {
    await this.#redis.hset(this.#hash, this.#consumer, this.#token);
  }

  async apply(effects: CrossPoolWrite): Promise<CrossPoolResult> {
    const reply = await APPLY.run(this.#redis, [
      this.#hash,
      this.#consumer,
      this.#token,
      effects.marker,
      Date.now(),
      effects.cacheKeys.length,
      ...effects.cacheKeys,
      effects.publications.length,
      ...effects.publications.flatMap(({ stream, body }) => [stream, body]),
    ]);
    if (Array.isArray(reply)) return { kind: 'unwritable', publications: reply.map(Number) };
    return { kind: reply === FENCED ? 'fenced' : 'done' };
  }

  /**
   * Removes markers older than `ageMs` whose entry is settled. Newer markers are kept: Redis may lose the last second
   * of acknowledgements when it restarts, and then only the marker prevents a second publication.
   */
  async sweep(ageMs: number, isSettled: (marker: string) => Promise<boolean>): Promise<void> {
    const prefix = `${this.#consumer} `;
    let cursor = '0';
    do {
      const [next, flat] = await this.#redis.hscan(this.#hash, cursor, 'COUNT', 200);
      cursor = next;
      for (let index = 0; index + 1 < flat.length; index += 2) {
        const field = flat[index] ?? '';
        if (!field.startsWith(prefix) || Date.now() - Number(flat[index + 1]) < ageMs) continue;
        if (await isSettled(field.slice(prefix.length))) await this.#redis.hdel(this.#hash, field);
      }
    } while (cursor !== '0');
  }
}
