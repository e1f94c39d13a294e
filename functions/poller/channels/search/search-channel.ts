import { ASYNC_CONSUMER_GROUP, SEARCH_STREAM } from '../../../../shared/registry/beeorm-names.ts';
import { decodeSearchEvent } from '../../../../shared/wire/search-event.ts';
import { judgeEntry, moveToDeadLetters } from '../../settlement/acknowledge.ts';
import type { Channel } from '../channel.ts';
import { Reindexing } from './reindexing.ts';

/** Writes all documents of a search index anew, where BeeORM's application asks for it. */
export const searchChannel: Channel = {
  name: 'search',
  stream: SEARCH_STREAM,
  group: ASYNC_CONSUMER_GROUP,
  open(context) {
    const reindexing = new Reindexing(context);
    return {
      runsBeside: true,
      handle(entry, done) {
        const judged = judgeEntry(entry, decodeSearchEvent);
        if (judged.ok) done(reindexing.run(entry, judged.event.index));
        else done(moveToDeadLetters(context, entry, judged.rejection));
      },
    };
  },
};
