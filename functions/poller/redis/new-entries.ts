import type { Redis } from 'ioredis';
import { lastDelivered } from './stream-status.ts';

const MAX_BLOCK_MS = 5000;

/**
 * Waits for entries that the group has not read yet. It needs a separate connection, because a blocked connection cannot
 * run other commands. It does not read the entries into the group: the drain does that under the lock.
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
    // Only closing the connection ends a blocked read.
    signal.addEventListener('abort', () => redis.disconnect(), { once: true });
  }

  /** Resolves with true once there is a new entry, and with false once the wait is aborted. */
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
