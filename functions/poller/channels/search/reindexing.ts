import { errorFields } from '../../../../shared/logging.ts';
import type { SearchSettings } from '../../../../shared/search-settings.ts';
import { forgetAttempts } from '../../redis/attempt-counts.ts';
import type { StreamEntry } from '../../redis/stream-entry.ts';
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

/** The reindexing that one entry requested. */
interface Run {
  readonly entry: StreamEntry;
  readonly index: string;
  /** Code of the pool of the index's documents, once it is known. */
  redisPool: string;
  /** Documents written in this drain. */
  documents: number;
}

/**
 * Rewrites the documents of search indexes page by page. If it ends early for any reason, the entry stays pending, and
 * the progress key records where to continue. Writing a page twice has the same result as writing it once.
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

  /** Settles the entry, or leaves it pending with its progress when the budget ends. `index` has no namespace. */
  async run(entry: StreamEntry, index: string): Promise<EntryOutcome> {
    const run = { entry, index, redisPool: this.#context.pool.code, documents: 0 };
    const outcome = await this.#pools.use(() => this.#persist(run));
    return { ...outcome, documents: run.documents };
  }

  /** Retries transient failures, continuing from the last recorded progress. */
  async #persist(run: Run): Promise<EntryOutcome> {
    const { entry, index } = run;
    const { budget, logger, refusals } = this.#context;
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
          logger.warn('another run for the search index has begun, stopping this one', { index });
          return STAYS_PENDING;
        }
        if (error instanceof TableUnreadableError && !error.isTransient) {
          logger.error('search index rows cannot be read', { index, code: error.code });
          return STAYS_PENDING;
        }
        if (refusals.addLasting(run.redisPool, error, { command: 'HSET', key: index })) return STAYS_PENDING;
        logger.warn('search index write failed, retrying', { index, error: errorFields(error) });
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
      logger.warn('unknown search index, acknowledging its entry', { index: name });
      return acknowledge(this.#context, entry);
    }
    if ('problem' in index) {
      const message = `search index '${name}' cannot be derived: ${index.problem}`;
      logger.warn('search index cannot be derived, moving its entry to the dead letters', {
        index: name,
        reason: message,
      });
      return moveToDeadLetters(this.#context, entry, { code: 'underivable-index', message });
    }
    // One index at a time per pair of pools: many concurrent indexes would take all connections of a server.
    return this.#mutex.run(`${index.mysqlPool} ${index.redisPool.code}`, () => this.#write(run, index));
  }

  async #write(run: Run, index: SearchIndex): Promise<EntryOutcome> {
    const { budget, session, logger, failpoint } = this.#context;
    // A consumer that has lost the lock must not end the run of its successor.
    if (!(await session.lock.isHeld())) return STAYS_PENDING;
    run.redisPool = index.redisPool.code;
    const redis = await this.#pools.connect(index.redisPool);
    const begun = await IndexRun.begin(redis, index, run.entry.id);
    const indexRun = begun.run;
    let { lastId } = begun;
    for (let more = true; more; ) {
      if (!budget.mayRead || !(await session.lock.isHeld())) return STAYS_PENDING;
      const page = await this.#tables.page(index, lastId);
      await indexRun.write(page.rows.map((row) => toDocument(index, row, this.#unixTime)));
      run.documents += page.rows.length;
      more = page.more;
      lastId = page.rows.at(-1)?.[0] ?? lastId;
      if (more) await this.#recordProgress(run.entry, indexRun, lastId);
      await failpoint?.('indexed');
    }
    await indexRun.end();
    logger.info('search index written', { index: index.name, documents: run.documents });
    return acknowledge(this.#context, run.entry);
  }

  /** Forgets the attempts so far: an entry that makes progress is not poison, even if its consumer is killed often. */
  async #recordProgress(entry: StreamEntry, indexRun: IndexRun, lastId: string): Promise<void> {
    await indexRun.recordProgress(lastId);
    const { session, fenced } = this.#context;
    // Only an entry that was read as pending has an idle time, and counted attempts.
    if (entry.idleMs !== undefined) await forgetAttempts(session.redis, fenced, [entry.id]);
  }
}
