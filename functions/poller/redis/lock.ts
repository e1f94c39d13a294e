import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { WriteScript } from './refusable-writes.ts';
import { Script } from './script.ts';

/** Another consumer that holds the lock. */
export interface LockHolder {
  /** The holder's description of itself. BeeORM's own consumer does not write one. */
  readonly description: string | undefined;
  /** Milliseconds until the lock expires unless its holder extends it; undefined if it has no expiry. */
  readonly expiresInMs: number | undefined;
}

export interface LockKeeping {
  /** Called for each refresh that fails; it is repeated. */
  readonly onRefused: (error: unknown) => void;
  /** Called once if the lock is no longer this drain's, or its time has run out. */
  readonly onLost: () => void;
}

/**
 * Begins with DEL, which needs no memory: Redis accepts the rest of a script that has begun to write, even if it is full. A
 * drain frees memory, so it must be able to begin then. The lock is set last, when nothing more can be refused.
 */
const ACQUIRE = new WriteScript(`
local lock, holderKey = ARGV[1], ARGV[4]
local value = attempt(lock, 'GET', lock)
if not value or value == ARGV[2] then
  attempt(holderKey, 'DEL', holderKey)
  attempt(holderKey, 'SET', holderKey, ARGV[2] .. ' ' .. ARGV[5], 'PX', ARGV[3])
  attempt(lock, 'SET', lock, ARGV[2], 'PX', ARGV[3])
  return false
end
local holder = attempt(holderKey, 'GET', holderKey) or ''
if string.sub(holder, 1, #value + 1) ~= value .. ' ' then holder = '' end
return {redis.call('PTTL', lock), string.sub(holder, #value + 2)}
`);

const EXTEND = new Script(`
if redis.call('GET', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', ARGV[4], ARGV[3])
return redis.call('PEXPIRE', ARGV[1], ARGV[3])
`);

const RELEASE = new Script(`
if redis.call('GET', ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('DEL', ARGV[1], ARGV[4])
`);

/** 16 random bytes, the same format that BeeORM uses. */
export function createLockValue(): string {
  return randomBytes(16).toString('base64');
}

/**
 * BeeORM's lock: a string key with a random value. It is set only if absent, and extended and deleted only by the holder
 * of the value. We can choose its time to live freely: any consumer that waits for the key only checks if it exists.
 */
export class Lock {
  readonly key: string;
  readonly value: string;
  readonly #redis: Redis;
  readonly #ttlMs: number;
  readonly #holderKey: string;
  #timer: NodeJS.Timeout | undefined;
  /** When its time runs out, unless it is extended: milliseconds since 1970. */
  #heldUntil = 0;
  #isAbandoned = false;

  /** `value`: identifies this drain. A drain that reconnects after a lost connection still owns the lock. */
  constructor(redis: Redis, key: string, ttlMs: number, value: string) {
    this.#redis = redis;
    this.#ttlMs = ttlMs;
    this.key = key;
    this.#holderKey = `${this.key}:holder`;
    this.value = value;
  }

  /**
   * Returns the current holder, or undefined if the lock was acquired. Other consumers that find the lock held see
   * `description`.
   */
  async acquire(description: string): Promise<LockHolder | undefined> {
    const startedAt = Date.now();
    const reply = await ACQUIRE.run(this.#redis, [...this.#arguments(), description]);
    this.#heldUntil = startedAt + this.#ttlMs;
    if (!Array.isArray(reply)) return undefined;
    const [expiresInMs, holder] = reply;
    const text = String(holder);
    const ms = Number(expiresInMs);
    return { description: text === '' ? undefined : text, expiresInMs: ms < 0 ? undefined : ms };
  }

  /** Extends the lock on a timer. A refresh that Redis refuses is repeated, as long as the lock's time has not run out. */
  keep(keeping: LockKeeping): void {
    this.#timer = setTimeout(() => void this.#refresh(keeping), this.#ttlMs / 4);
  }

  /** Who holds the lock now. */
  async findHolder(): Promise<'this-drain' | 'another' | 'nobody'> {
    const value = await this.#redis.get(this.key);
    if (value === null) return 'nobody';
    return value === this.value ? 'this-drain' : 'another';
  }

  /** True if the lock is still this drain's. Does not extend it. */
  async isHeld(): Promise<boolean> {
    return (await this.findHolder()) === 'this-drain';
  }

  async release(): Promise<void> {
    this.abandon();
    await RELEASE.run(this.#redis, this.#arguments());
  }

  /** Stops extending the lock without releasing it, for use when the connection is lost. */
  abandon(): void {
    this.#isAbandoned = true;
    clearTimeout(this.#timer);
  }

  async #refresh(keeping: LockKeeping): Promise<void> {
    let pauseMs = this.#ttlMs / 4;
    try {
      const startedAt = Date.now();
      if ((await EXTEND.run(this.#redis, this.#arguments())) !== 1) {
        keeping.onLost();
        return;
      }
      this.#heldUntil = startedAt + this.#ttlMs;
    } catch (error) {
      if (this.#isAbandoned) return;
      if (Date.now() >= this.#heldUntil) {
        keeping.onLost();
        return;
      }
      keeping.onRefused(error);
      pauseMs = this.#ttlMs / 20;
    }
    if (!this.#isAbandoned) this.#timer = setTimeout(() => void this.#refresh(keeping), pauseMs);
  }

  #arguments(): (string | number)[] {
    return [this.key, this.value, this.#ttlMs, this.#holderKey];
  }
}
