import type { Redis } from 'ioredis';
import { REFUSABLE_WRITES, toRefusedCommand, WriteScript } from './refusable-writes.ts';
import type { RefusedCommand } from './refusals.ts';
import { Script } from './script.ts';

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
 * - `refused`: Redis refuses a command. Nothing is published or marked; at most some cache keys are deleted.
 */
export type CrossPoolResult =
  | { readonly kind: 'done' | 'fenced' }
  | { readonly kind: 'refused'; readonly refused: RefusedCommand }
  | { readonly kind: 'unwritable'; readonly publications: readonly number[] };

const FENCED = 2;

/**
 * Publishes at most once, however often it is called: a hash field that is set in the same step records the entry. The
 * acknowledgement happens in another Redis pool and cannot be part of this step, so the next drain checks the hash. The
 * same hash holds the token of the running drain. Without it, a paused poller that wakes up after its marker was swept
 * would publish again.
 *
 * The marker is set last. It cannot be refused then, because setting the token to itself has passed the same checks. HDEL of
 * a field that never exists comes first, because it needs no memory.
 */
const APPLY = new Script(`${REFUSABLE_WRITES}
local hash, consumer, token, marker, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local keyCount = tonumber(ARGV[6])
local keys, publications = {}, {}
for index = 7, 6 + keyCount do keys[#keys + 1] = ARGV[index] end
for index = 7 + keyCount, #ARGV do publications[#publications + 1] = ARGV[index] end

return untilRefused(function()
  if attempt(hash, 'HGET', hash, consumer) ~= token then return ${FENCED} end
  attempt(hash, 'HDEL', hash, '')
  attempt(hash, 'HSET', hash, consumer, token)
  local field = consumer .. ' ' .. marker
  if attempt(hash, 'HGET', hash, field) then publications = {} end
  local unwritable = applyEffects(keys, publications, '', {})
  if unwritable then return unwritable end
  if #publications > 0 then redis.call('HSET', hash, field, now) end
  return 0
end)
`);

/** Fences off all drains that began earlier. HDEL comes first for the same reason as in `APPLY`. */
const OPEN = new WriteScript(`
attempt(ARGV[1], 'HDEL', ARGV[1], '')
return attempt(ARGV[1], 'HSET', ARGV[1], ARGV[2], ARGV[3])
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
    await OPEN.run(this.#redis, [this.#hash, this.#consumer, this.#token]);
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
      ...effects.publications.flatMap(({ stream, body }) => [stream, body]),
    ]);
    const refused = toRefusedCommand(reply);
    if (refused !== undefined) return { kind: 'refused', refused };
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
