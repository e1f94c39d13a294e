import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { lastDelivered } from './stream-status.ts';

const MAX_BLOCK_MS = 5000;

/** Pause after an error: short, because meanwhile nothing announces new entries. It grows while the errors continue. */
const FIRST_PAUSE_MS = 25;
const MAX_PAUSE_MS = 3000;

export interface NewEntriesOptions {
  /** Opens a connection of its own: a blocked connection serves nothing else. */
  readonly connect: () => Promise<Redis>;
  readonly stream: string;
  readonly group: string;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** Waits for entries that the group has not read. It only looks: entries are taken under the lock. */
export class NewEntries {
  readonly #options: NewEntriesOptions;
  #redis: Redis | undefined;
  #errors = 0;

  constructor(options: NewEntriesOptions) {
    this.#options = options;
    // A blocked read ends only with its connection.
    options.signal.addEventListener('abort', () => this.restart(), { once: true });
  }

  /**
   * True once there may be something to read; false when there is no more waiting. After an error it is true too: the next
   * read, on another connection, shows whether there is anything, and the next call connects again.
   */
  async arrived(): Promise<boolean> {
    const { signal, onError } = this.#options;
    try {
      while (!signal.aborted) {
        const hasArrived = await this.#look();
        this.#errors = 0;
        if (hasArrived) return true;
      }
    } catch (error) {
      this.restart();
      if (signal.aborted) return false;
      onError(error);
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#errors++);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return !signal.aborted;
  }

  /** Drops the connection: a call that is waiting looks again on another one. */
  restart(): void {
    this.#redis?.disconnect();
    this.#redis = undefined;
  }

  async #look(): Promise<boolean> {
    const { stream, group, signal } = this.#options;
    const redis = this.#redis ?? (await this.#options.connect());
    this.#redis = redis;
    if (signal.aborted) {
      this.restart();
      return false;
    }
    const last = await lastDelivered(redis, stream, group);
    const args = ['COUNT', '1', 'BLOCK', String(MAX_BLOCK_MS), 'STREAMS', stream, last];
    return (await redis.call('XREAD', ...args)) !== null;
  }
}
