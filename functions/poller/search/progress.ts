import type { Redis } from 'ioredis';
import { namespaced, reindexProgressKey } from '../../../shared/registry/beeorm-names.ts';
import type { SearchIndex } from './search-index.ts';

const TTL_SECONDS = 86_400;

/** How far the rewriting of an index has come, where BeeORM's consumer keeps it: either may go on with it. */
export class Progress {
  readonly #redis: Redis;
  readonly #key: string;

  /** `redis`: of the index's documents. */
  constructor(redis: Redis, { name, redisPool }: SearchIndex) {
    this.#redis = redis;
    this.#key = namespaced(redisPool, reindexProgressKey(name));
  }

  /** The last ID that is done; `0` where none is. */
  async read(): Promise<string> {
    const value = await this.#redis.get(this.#key);
    return value !== null && /^\d{1,20}$/.test(value) ? value : '0';
  }

  async write(lastId: string): Promise<void> {
    await this.#redis.set(this.#key, lastId, 'EX', TTL_SECONDS);
  }

  async clear(): Promise<void> {
    await this.#redis.del(this.#key);
  }
}
