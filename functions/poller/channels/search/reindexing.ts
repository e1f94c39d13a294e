import { errorFields } from '../../../../shared/logging.ts';
import type { SearchSettings } from '../../../../shared/search-settings.ts';
import { type StreamEntry, setDeliveries } from '../../redis/stream-reads.ts';
import { acknowledge, moveToDeadLetters } from '../../settlement/acknowledge.ts';
import { type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { ChannelContext } from '../channel.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { toDocument } from './documents.ts';
import { lookUpIndex } from './index-lookup.ts';
import { IndexRun, IndexTakenError, UnwritableDocumentError } from './index-run.ts';
import type { SearchIndex } from './search-index.ts';
import { SearchPools } from './search-pools.ts';
import { TableReader, TableUnreadableError } from './table-reader.ts';
import { UnixTime } from './unix-time.ts';

/** One entry's. */
interface Run {
  readonly entry: StreamEntry;
  readonly index: string;
  /** Written in this drain. */
  documents: number;
}

/**
 * Writes documents of search indexes anew, page by page. Where it ends early, for whatever reason, the progress key says
 * where to go on, and the entry stays pending; a page that is written twice comes out the same.
 */
export class Reindexing {
  readonly #context: ChannelContext;
  readonly #settings: SearchSettings;
  readonly #pools = new SearchPools();
  readonly #tables: TableReader;
  readonly #mutex = new KeyedMutex();
  readonly #unixTime: UnixTime;

  constructor(context: ChannelContext, settings: SearchSettings) {
    const { executor, session, budget } = context;
    this.#context = context;
    this.#settings = settings;
    this.#tables = new TableReader({
      executor,
      consumer: session.consumer,
      deadline: () => budget.executeUntil,
    });
    this.#unixTime = new UnixTime(settings.timeZone ?? 'UTC');
  }

  /** Settles the entry, or leaves it with its progress when the budget ends. `index`: without namespace. */
  async run(entry: StreamEntry, index: string): Promise<EntryOutcome> {
    const run = { entry, index, documents: 0 };
    const outcome = await this.#pools.use(() => this.#persist(run));
    return { ...outcome, documents: run.documents };
  }

  /** Tries again, from where it was, what fails for a reason that passes. */
  async #persist(run: Run): Promise<EntryOutcome> {
    const { entry, index } = run;
    const { budget, logger } = this.#context;
    for (let attempt = 0; budget.mayRead; attempt++) {
      try {
        return await this.#tryOnce(run);
      } catch (error) {
        if (error instanceof UnwritableDocumentError) {
          return moveToDeadLetters(this.#context, entry, {
            code: 'unwritable-document',
            message: error.message,
          });
        }
        if (error instanceof IndexTakenError) {
          logger.warn('another run over a search index has begun, this one ends', { index });
          return STAYS_PENDING;
        }
        if (error instanceof TableUnreadableError && !error.isTransient) {
          logger.error('the rows of a search index may not be read', { index, code: error.code });
          return STAYS_PENDING;
        }
        logger.warn('a search index can not be written, trying again', { index, error: errorFields(error) });
        await budget.backOff(attempt);
      }
    }
    return STAYS_PENDING;
  }

  async #tryOnce(run: Run): Promise<EntryOutcome> {
    const { entry, index: name } = run;
    const { registry, logger } = this.#context;
    const pools = this.#pools;
    const index = await lookUpIndex(name, {
      settings: this.#settings,
      registry,
      pools,
      tables: this.#tables,
    });
    if (index === 'unknown') {
      logger.warn('nobody knows the search index, its entry is acknowledged', { index: name });
      return acknowledge(this.#context, entry);
    }
    if ('problem' in index) {
      const message = `search index '${name}' can't be derived: ${index.problem}`;
      logger.warn('a search index can not be derived, its entry is set aside', {
        index: name,
        reason: message,
      });
      return moveToDeadLetters(this.#context, entry, { code: 'underivable-index', message });
    }
    // One table after another of each server, so that many indexes at once don't take all of its connections.
    return this.#mutex.run(`${index.mysqlPool} ${index.redisPool.code}`, () => this.#write(run, index));
  }

  async #write(run: Run, index: SearchIndex): Promise<EntryOutcome> {
    const { budget, session, logger, failpoint } = this.#context;
    // Who has lost the lock must not end the run of who has it now.
    if (!(await session.lock.isHeld())) return STAYS_PENDING;
    const redis = await this.#pools.connect(index.redisPool);
    const begun = await IndexRun.begin(redis, index, run.entry.id);
    let lastId = begun.lastId;
    for (let more = true; more; ) {
      if (!budget.mayRead || !(await session.lock.isHeld())) return STAYS_PENDING;
      const page = await this.#tables.page(index, lastId);
      await begun.run.write(page.rows.map((row) => toDocument(index, row, this.#unixTime)));
      run.documents += page.rows.length;
      more = page.more;
      lastId = page.rows.at(-1)?.[0] ?? lastId;
      if (more) await this.#noteProgress(run.entry, begun.run, lastId);
      await failpoint?.('indexed');
    }
    await begun.run.end();
    logger.info('a search index is written', { index: index.name, documents: run.documents });
    return acknowledge(this.#context, run.entry);
  }

  /** An entry that gets on kills nobody, however often its consumer was killed. */
  async #noteProgress(entry: StreamEntry, indexRun: IndexRun, lastId: string): Promise<void> {
    await indexRun.note(lastId);
    const { session, fenced } = this.#context;
    if (entry.deliveries > 1) await setDeliveries(session.redis, fenced, [entry.id], 1);
  }
}
