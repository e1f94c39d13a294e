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
    const reply = await ACQUIRE.run(this.#redis, [...this.#arguments(), description]);
    if (!Array.isArray(reply)) return undefined;
    const [holder, endsInMs] = reply;
    const text = String(holder);
    const ms = Number(endsInMs);
    return { description: text === '' ? undefined : text, endsInMs: ms < 0 ? undefined : ms };
  }

  /** Extends the lock on a timer of its own, whatever else goes on; calls `onLost` once it is in other hands. */
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

  /** Whether it is still ours; if so, it is extended. */
  async isHeld(): Promise<boolean> {
    return (await EXTEND.run(this.#redis, this.#arguments())) === 1;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await RELEASE.run(this.#redis, this.#arguments());
  }

  /** Ends the refreshing without releasing: of use where the connection is gone. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  #arguments(): (string | number)[] {
    return [this.key, this.value, this.#ttlMs, this.#holderKey];
  }
}
