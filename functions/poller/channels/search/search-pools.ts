import type { Redis } from 'ioredis';
import type { RedisPool } from '../../../../shared/registry/types.ts';
import { connectRedis } from '../../redis/connection.ts';

/** Connections to the Redis pools of search indexes: opened on first use, closed when the last task has ended. */
export class SearchPools {
  readonly #connections = new Map<string, Promise<Redis>>();
  #users = 0;

  /** Keeps the connections open until `task` has ended. */
  async use<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#users++;
    try {
      return await task();
    } finally {
      this.#users--;
      if (this.#users === 0) this.#close();
    }
  }

  /** Rejects with a ConnectionError. */
  async connect(pool: RedisPool): Promise<Redis> {
    const known = this.#connections.get(pool.code);
    if (known !== undefined) return known;
    const connecting = connectRedis(pool);
    this.#connections.set(pool.code, connecting);
    const forget = () => {
      if (this.#connections.get(pool.code) === connecting) this.#connections.delete(pool.code);
    };
    connecting.then((redis) => redis.once('end', forget), forget);
    return connecting;
  }

  #close(): void {
    for (const connecting of this.#connections.values()) {
      connecting.then(
        (redis) => redis.disconnect(),
        () => undefined,
      );
    }
    this.#connections.clear();
  }
}
