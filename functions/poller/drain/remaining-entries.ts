import type { Logger } from '../../../shared/logging.ts';
import { CONSUMER_NAME } from '../../../shared/registry/beeorm-names.ts';
import type { Channel } from '../channels/channel.ts';
import type { RedisSession } from '../redis/session.ts';
import { pendingByConsumer, readRemaining } from '../redis/stream-status.ts';
import type { ChannelStats } from './channel-stats.ts';

/** A channel of a drain and its statistics. */
export interface DrainedChannel {
  readonly channel: Channel;
  readonly stats: ChannelStats;
}

/** Counts what remains in the streams of one Redis pool. */
export class RemainingEntries {
  readonly #session: RedisSession;
  readonly #channels: readonly DrainedChannel[];

  constructor(session: RedisSession, channels: readonly DrainedChannel[]) {
    this.#session = session;
    this.#channels = channels;
  }

  /** Asks Redis, and records the answers in the channels' statistics. */
  async read(): Promise<void> {
    const { groups, redis } = this.#session;
    for (const { channel, stats } of this.#channels) {
      const group = groups.get(channel.stream);
      if (group !== undefined) stats.setRemaining(await readRemaining(redis, group));
    }
  }

  /** Warns of entries that are pending for other consumers of the groups, because this consumer does not take them over. */
  async warnOfOtherConsumers(logger: Logger): Promise<void> {
    const { groups, redis } = this.#session;
    for (const { channel, stats } of this.#channels) {
      const group = groups.get(channel.stream);
      if (group === undefined || stats.summary.pending === 0) continue;
      for (const [consumer, pending] of await pendingByConsumer(redis, group)) {
        if (consumer === CONSUMER_NAME) continue;
        const facts = { stream: group.stream, group: group.group, consumer, pending };
        logger.warn('entries are pending for another consumer, hand them over with XCLAIM', facts);
      }
    }
  }
}
