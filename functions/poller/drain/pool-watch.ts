import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { DrainedChannel, RemainingEntries } from './remaining-entries.ts';
import type { StreamDrain } from './stream-drain.ts';

const WATCH_MS = 1500;

/** A Redis that has not answered for this long has lost the connection without a trace. */
const UNANSWERED_MS = 10_000;

export interface PoolWatchOptions {
  readonly redis: Redis;
  readonly remaining: RemainingEntries;
  readonly channels: readonly DrainedChannel[];
  /** By name; filled as they are opened. */
  readonly streams: ReadonlyMap<string, StreamDrain>;
  readonly warn: (message: string, facts: Record<string, unknown>) => void;
}

/** While a pool is drained: counts what remains, and finds a connection and streams that wait although there is work. */
export class PoolWatch {
  readonly #options: PoolWatchOptions;
  readonly #timer = setInterval(() => void this.#watch(), WATCH_MS);
  #isWatching = false;

  constructor(options: PoolWatchOptions) {
    this.#options = options;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #watch(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { redis, remaining, channels, streams, warn } = this.#options;
    const isAnswered = await Promise.race([
      remaining.read().then(
        () => true,
        () => true,
      ),
      sleep(UNANSWERED_MS, false, { ref: false }),
    ]);
    this.#isWatching = false;
    if (!isAnswered) {
      warn('Redis does not answer, connecting again', {});
      redis.disconnect();
      return;
    }
    for (const { channel, stats } of channels) {
      const { stream } = channel;
      if (streams.get(stream)?.watch(stats.summary.backlog !== 0) === true)
        warn('unread entries were not noticed, restarting the stream', { stream });
    }
  }
}
