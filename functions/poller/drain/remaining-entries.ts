import type { Logger } from '../../../shared/logging.ts';
import { CONSUMER_NAME } from '../../../shared/registry/beeorm-names.ts';
import type { Channel } from '../channels/channel.ts';
import type { RedisSession } from '../redis/session.ts';
import { pendingByConsumer, readRemaining } from '../redis/stream-status.ts';
import type { ChannelStats } from './channel-stats.ts';

/** A channel of a drain, and what is counted of it. */
export interface DrainedChannel {
  readonly channel: Channel;
  readonly stats: ChannelStats;
}

/** What Redis says is left of the streams of one pool. */
export class RemainingEntries {
  readonly #session: RedisSession;
  readonly #channels: readonly DrainedChannel[];

  constructor(session: RedisSession, channels: readonly DrainedChannel[]) {
    this.#session = session;
    this.#channels = channels;
  }

  /** Asks, and notes the answers in the channels' statistics. */
  async read(): Promise<void> {
    const { groups, redis } = this.#session;
    for (const { channel, stats } of this.#channels) {
      const group = groups.get(channel.stream);
      if (group !== undefined) stats.setRemaining(await readRemaining(redis, group));
    }
  }

  /** Says of which consumers of the groups entries are pending that nobody here will take over. */
  async warnOfOtherConsumers(logger: Logger): Promise<void> {
    const { groups, redis } = this.#session;
    for (const { channel, stats } of this.#channels) {
      const group = groups.get(channel.stream);
      if (group === undefined || stats.summary.pending === 0) continue;
      for (const [consumer, pending] of await pendingByConsumer(redis, group)) {
        if (consumer === CONSUMER_NAME) continue;
        const { stream, group: name } = group;
        logger.warn('entries are pending for another consumer, XCLAIM hands them over', {
          stream,
          group: name,
          consumer,
          pending,
        });
      }
    }
  }
}
