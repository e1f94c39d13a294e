import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Script } from './script.ts';

/** Who holds the lock, where it is not us. */
export interface LockHolder {
  /** What the holder says of itself; BeeORM's own consumer says nothing. */
  readonly description: string | undefined;
  /** Milliseconds until the lock ends unless its holder refreshes it; undefined where it doesn't end by itself. */
  readonly endsInMs: number | undefined;
}

export interface LockKeeping {
  /** Called for each refresh that fails; it is repeated. */
  readonly onRefused: (error: unknown) => void;
  /** Called once if the lock is no longer this drain's, or its time has run out. */
  readonly onLost: () => void;
}

const ACQUIRE = new Script(`
if redis.call('GET', ARGV[1]) == ARGV[2] or redis.call('SET', ARGV[1], ARGV[2], 'NX', 'PX', ARGV[3]) then
  redis.call('PEXPIRE', ARGV[1], ARGV[3])
  redis.call('SET', ARGV[4], ARGV[2] .. ' ' .. ARGV[5], 'PX', ARGV[3])
  return false
end
local value = redis.call('GET', ARGV[1])
local holder = redis.call('GET', ARGV[4]) or ''
if string.sub(holder, 1, #value + 1) ~= value .. ' ' then holder = '' end
return {string.sub(holder, #value + 2), redis.call('PTTL', ARGV[1])}
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

/** As BeeORM makes it: 16 random bytes. */
export function createLockValue(): string {
  return randomBytes(16).toString('base64');
}

/**
 * BeeORM's lock: a string key with a random value, set where absent, extended and deleted only by the holder of the
 * value. Its time to live is ours to choose: who waits for the key, BeeORM or we, only looks whether it is there.
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

  /** `value`: of this drain; one that comes back after a lost connection finds the lock still its own. */
  constructor(redis: Redis, key: string, ttlMs: number, value: string) {
    this.#redis = redis;
    this.#ttlMs = ttlMs;
    this.key = key;
    this.#holderKey = `${this.key}:holder`;
    this.value = value;
  }

  /** The one who holds it, or undefined where it is ours now. `description` is told to whoever finds it held. */
  async acquire(description: string): Promise<LockHolder | undefined> {
    const startedAt = Date.now();
    const reply = await ACQUIRE.run(this.#redis, [...this.#arguments(), description]);
    this.#heldUntil = startedAt + this.#ttlMs;
    if (!Array.isArray(reply)) return undefined;
    const [holder, endsInMs] = reply;
    const text = String(holder);
    const ms = Number(endsInMs);
    return { description: text === '' ? undefined : text, endsInMs: ms < 0 ? undefined : ms };
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

  async isHeld(): Promise<boolean> {
    return (await this.findHolder()) === 'this-drain';
  }

  async release(): Promise<void> {
    this.abandon();
    await RELEASE.run(this.#redis, this.#arguments());
  }

  /** Stops extending the lock without releasing it, for when the connection is gone. */
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
