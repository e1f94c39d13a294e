import type { Redis } from 'ioredis';
import { lastDelivered } from './stream-status.ts';

const MAX_BLOCK_MS = 5000;

/**
 * Waits for entries that the group has not read, on a connection of its own: a blocked connection serves nothing else.
 * It only looks; who takes an entry does so under the lock.
 */
export class NewEntries {
  readonly #redis: Redis;
  readonly #stream: string;
  readonly #group: string;
  readonly #signal: AbortSignal;

  constructor(redis: Redis, stream: string, group: string, signal: AbortSignal) {
    this.#redis = redis;
    this.#stream = stream;
    this.#group = group;
    this.#signal = signal;
    // A blocked read ends only with its connection.
    signal.addEventListener('abort', () => redis.disconnect(), { once: true });
  }

  /** True once there is something to read; false when there is no more waiting. */
  async arrived(): Promise<boolean> {
    while (!this.#signal.aborted) {
      try {
        const last = await lastDelivered(this.#redis, this.#stream, this.#group);
        const args = ['COUNT', '1', 'BLOCK', String(MAX_BLOCK_MS), 'STREAMS', this.#stream, last];
        if ((await this.#redis.call('XREAD', ...args)) !== null) return true;
      } catch (error) {
        if (this.#signal.aborted) return false;
        throw error;
      }
    }
    return false;
  }

  close(): void {
    this.#redis.disconnect();
  }
}
