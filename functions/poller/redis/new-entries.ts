import type { Redis } from 'ioredis';

const LONGEST_BLOCK_MS = 5000;

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
        const args = ['COUNT', '1', 'BLOCK', String(LONGEST_BLOCK_MS), 'STREAMS', this.#stream, last];
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

/** Id of the last entry that the group has read. */
export async function lastDelivered(redis: Redis, stream: string, group: string): Promise<string> {
  const groups = await groupFacts(redis, stream);
  return groups.find(({ name }) => name === group)?.lastDeliveredId ?? '0-0';
}

export interface GroupFacts {
  readonly name: string;
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Entries that were not read yet; null where Redis doesn't know (6.2, or after entries were deleted). */
  readonly lag: number | null;
}

/** The groups of a stream; none where the stream does not exist. */
export async function groupFacts(redis: Redis, stream: string): Promise<GroupFacts[]> {
  const reply = await redis.call('XINFO', 'GROUPS', stream).catch((error: unknown) => {
    if (error instanceof Error && error.message.includes('no such key')) return [];
    throw error;
  });
  return (Array.isArray(reply) ? reply : []).map((flat: unknown[]) => {
    const facts = new Map<string, unknown>();
    for (let index = 0; index + 1 < flat.length; index += 2) facts.set(String(flat[index]), flat[index + 1]);
    const lag = facts.get('lag');
    return {
      name: String(facts.get('name')),
      pending: Number(facts.get('pending')),
      lastDeliveredId: String(facts.get('last-delivered-id')),
      lag: typeof lag === 'number' ? lag : null,
    };
  });
}
