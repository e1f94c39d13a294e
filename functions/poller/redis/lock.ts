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
    const reply = await ACQUIRE.run(this.#redis, [...this.#arguments(), description]);
    if (!Array.isArray(reply)) return undefined;
    const [expiresInMs, holder] = reply;
    const text = String(holder);
    const ms = Number(expiresInMs);
    return { description: text === '' ? undefined : text, expiresInMs: ms < 0 ? undefined : ms };
  }

  /** Extends the lock on its own timer, independently of other work. Calls `onLost` if the lock is no longer held. */
  keep(onLost: () => void): void {
    this.#timer = setInterval(() => {
      this.isHeld().then(
        (isHeld) => {
          if (!isHeld) onLost();
        },
        () => onLost(),
      );
    }, this.#ttlMs / 4);
  }

  /** Extends the lock and returns true if it is still ours. */
  async isHeld(): Promise<boolean> {
    return (await EXTEND.run(this.#redis, this.#arguments())) === 1;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await RELEASE.run(this.#redis, this.#arguments());
  }

  /** Stops extending the lock without releasing it, for use when the connection is lost. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  #arguments(): (string | number)[] {
    return [this.key, this.value, this.#ttlMs, this.#holderKey];
  }
}
