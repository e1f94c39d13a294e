import { errorFields } from '../../../../shared/logging.ts';
import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import { encodeGarbageEvent } from '../../../../shared/wire/garbage-event.ts';
import type { ChannelContext } from '../channel.ts';

/** A collection is done at most once in this time, however often it is asked for. */
const REQUEST_EVERY_MS = 30_000;

/**
 * Asks for collections of the streams of our group and of the groups that are bound to handlers, at once and every now
 * and then while the drain goes on. With BeeORM that is each running consumer's part; where ours runs in its place, nobody
 * else would.
 */
export function requestCollections(context: ChannelContext): void {
  const { reading } = context.budget;
  request(context);
  const timer = setInterval(() => request(context), REQUEST_EVERY_MS).unref();
  if (reading.aborted) clearInterval(timer);
  else reading.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Sent before anything is read from this connection, so that the first one is read in this very drain. */
function request(context: ChannelContext): void {
  const bound = (context.ownStreams ?? []).map(({ group }) => group);
  for (const group of new Set([ASYNC_CONSUMER_GROUP, ...bound])) requestFor(group, context);
}

function requestFor(group: string, { registry, session, fenced, logger }: ChannelContext): void {
  const streams = [...registry.streams.values()].filter(({ groups }) => groups.includes(group));
  for (const pool of new Set(streams.map(({ redisPool }) => redisPool))) {
    const body = encodeGarbageEvent({ group, pool });
    session.redis.xadd(fenced.stream, '*', 's', body).catch((error: unknown) => {
      logger.warn('a garbage collection can not be asked for', { group, pool, error: errorFields(error) });
    });
  }
}
