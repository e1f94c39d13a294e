import { errorFields } from '../../../shared/logging.ts';
import { ASYNC_CONSUMER_GROUP } from '../../../shared/registry/beeorm-names.ts';
import { encodeGarbageEvent } from '../../../shared/wire/garbage-event.ts';
import type { ChannelContext } from '../channels/channel.ts';

/** A collection is done at most once in this time, however often it is asked for. */
const REQUEST_EVERY_MS = 30_000;

/**
 * Asks for collections of the group's own streams, at once and every now and then while the drain goes on. With BeeORM
 * that is the running consumer's part; where ours runs in its place, nobody else would.
 */
export function requestCollections(context: ChannelContext): void {
  const { reading } = context.budget;
  request(context);
  const timer = setInterval(() => request(context), REQUEST_EVERY_MS).unref();
  if (reading.aborted) clearInterval(timer);
  else reading.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Sent before anything is read from this connection, so that the first one is read in this very drain. */
function request({ registry, session, fenced, logger }: ChannelContext): void {
  const streams = [...registry.streams.values()];
  const ours = streams.filter(({ groups }) => groups.includes(ASYNC_CONSUMER_GROUP));
  for (const pool of new Set(ours.map(({ redisPool }) => redisPool))) {
    const body = encodeGarbageEvent({ group: ASYNC_CONSUMER_GROUP, pool });
    session.redis.xadd(fenced.stream, '*', 's', body).catch((error: unknown) => {
      logger.warn('a garbage collection can not be asked for', { pool, ...errorFields(error) });
    });
  }
}
