import type { AbsentGroups } from '../../../../shared/drain-rules.ts';
import { ASYNC_CONSUMER_GROUP, GARBAGE_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import { decodeGarbageEvent, type GarbageEvent } from '../../../../shared/wire/garbage-event.ts';
import type { StreamEntry } from '../../redis/stream-entry.ts';
import { acknowledge, judgeEntry, moveToDeadLetters } from '../../settlement/acknowledge.ts';
import { type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { Channel, ChannelContext } from '../channel.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { GarbageCollection } from './collection.ts';
import { requestCollections } from './requests.ts';

export interface GarbageSettings {
  readonly absentGroups: AbsentGroups;
  readonly requestsCollections: boolean;
  /** Groups that are bound to handlers. */
  readonly boundGroups: readonly string[];
}

/** Trims the streams of a group when a consumer requests it. */
export function garbageChannel(settings: GarbageSettings): Channel {
  return {
    name: 'garbage',
    stream: GARBAGE_STREAM,
    group: ASYNC_CONSUMER_GROUP,
    open(context) {
      const mutex = new KeyedMutex();
      if (settings.requestsCollections) requestCollections(context, settings.boundGroups);
      return {
        runsIndependently: true,
        process(entry, done) {
          const judged = judgeEntry(entry, decodeGarbageEvent);
          if (!judged.ok) done(moveToDeadLetters(context, entry, judged.rejection));
          // One after another: of several waiting requests mostly the first has something to do. A pool that is down
          // delays only its own.
          else done(mutex.run(judged.event.pool, () => collect(context, settings, entry, judged.event)));
        },
      };
    },
  };
}

async function collect(
  context: ChannelContext,
  { absentGroups }: GarbageSettings,
  entry: StreamEntry,
  event: GarbageEvent,
): Promise<EntryOutcome> {
  const pool = context.registry.redisPools.get(event.pool);
  if (pool === undefined) {
    const message = `the registry has no Redis pool '${event.pool}'`;
    return moveToDeadLetters(context, entry, { code: 'unknown-pool', message });
  }
  const collection = new GarbageCollection(context, event, pool, absentGroups);
  const isDone = await collection.run();
  const outcome = isDone ? await acknowledge(context, entry) : STAYS_PENDING;
  return { ...outcome, trimmed: collection.trimmed };
}
