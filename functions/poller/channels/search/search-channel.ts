import { ASYNC_CONSUMER_GROUP, SEARCH_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import type { SearchSettings } from '../../../../shared/search-settings.ts';
import { decodeSearchEvent } from '../../../../shared/wire/search-event.ts';
import { judgeEntry, moveToDeadLetters } from '../../settlement/acknowledge.ts';
import type { Channel } from '../channel.ts';
import { Reindexing } from './reindexing.ts';

/** Rewrites all documents of a search index when the application requests it. */
export function searchChannel(settings: SearchSettings): Channel {
  return {
    name: 'search',
    stream: SEARCH_STREAM,
    group: ASYNC_CONSUMER_GROUP,
    open(context) {
      const reindexing = new Reindexing(context, settings);
      return {
        runsIndependently: true,
        process(entry, done) {
          const judged = judgeEntry(entry, decodeSearchEvent);
          if (judged.ok) done(reindexing.run(entry, judged.event.index));
          else done(moveToDeadLetters(context, entry, judged.rejection));
        },
      };
    },
  };
}
