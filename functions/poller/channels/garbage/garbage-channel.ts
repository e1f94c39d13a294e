import { ASYNC_CONSUMER_GROUP, GARBAGE_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import { decodeGarbageEvent, type GarbageEvent } from '../../../../shared/wire/garbage-event.ts';
import type { StreamEntry } from '../../redis/stream-reads.ts';
import { acknowledge, judgeEntry, moveToDeadLetters } from '../../settlement/acknowledge.ts';
import { type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { Channel, ChannelContext } from '../channel.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { GarbageCollection } from './collection.ts';
import { requestCollections } from './requests.ts';

/** Trims the streams of a group where a consumer asks for it. */
export const garbageChannel: Channel = {
  name: 'garbage',
  stream: GARBAGE_STREAM,
  group: ASYNC_CONSUMER_GROUP,
  open(context) {
    const turns = new KeyedMutex();
    if (context.collectsGarbage === true) requestCollections(context);
    return {
      runsBeside: true,
      handle(entry, done) {
        const judged = judgeEntry(entry, decodeGarbageEvent);
        // One after another: of many that wait, mostly the first has something to do. A pool that is down holds up its own.
        if (judged.ok) done(turns.run(judged.event.pool, () => collect(context, entry, judged.event)));
        else done(moveToDeadLetters(context, entry, judged.rejection));
      },
    };
  },
};

async function collect(
  context: ChannelContext,
  entry: StreamEntry,
  event: GarbageEvent,
): Promise<EntryOutcome> {
  const pool = context.registry.redisPools.get(event.pool);
  if (pool === undefined) {
    const message = `the registry has no Redis pool '${event.pool}'`;
    return moveToDeadLetters(context, entry, { code: 'unknown-pool', message });
  }
  const collection = new GarbageCollection(context, event, pool);
  const isDone = await collection.run();
  const outcome = isDone ? await acknowledge(context, entry) : STAYS_PENDING;
  return { ...outcome, trimmed: collection.trimmed };
}
