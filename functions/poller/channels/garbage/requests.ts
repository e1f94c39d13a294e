import { errorFields } from '../../../../shared/logging.ts';
import { ASYNC_CONSUMER_GROUP } from '../../../../shared/registry/beeorm-names.ts';
import { encodeGarbageEvent } from '../../../../shared/wire/garbage-event.ts';
import type { ChannelContext } from '../channel.ts';

/** A collection runs at most once in this time, however often it is requested. */
const REQUEST_INTERVAL_MS = 30_000;

/**
 * Requests collections of the streams of our group and of the groups that are bound to handlers: at once, and repeatedly
 * while the drain lasts. Each running BeeORM consumer does this; if ours runs in its place, no other program does.
 */
export function requestCollections(context: ChannelContext, boundGroups: readonly string[]): void {
  const { reading } = context.budget;
  const groups = new Set([ASYNC_CONSUMER_GROUP, ...boundGroups]);
  const request = () => {
    for (const group of groups) requestFor(group, context);
  };
  // Sent before anything is read on this connection, so that this very drain reads the first request.
  request();
  const timer = setInterval(request, REQUEST_INTERVAL_MS).unref();
  if (reading.aborted) clearInterval(timer);
  else reading.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function requestFor(group: string, { registry, session, fenced, logger }: ChannelContext): void {
  const streams = [...registry.streams.values()].filter(({ groups }) => groups.includes(group));
  for (const pool of new Set(streams.map(({ redisPool }) => redisPool))) {
    const body = encodeGarbageEvent({ group, pool });
    session.redis.xadd(fenced.stream, '*', 's', body).catch((error: unknown) => {
      logger.warn('garbage collection could not be requested', { group, pool, error: errorFields(error) });
    });
  }
}
