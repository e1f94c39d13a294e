import type { RowDataPacket } from 'mysql2/promise';
import type { SearchSettings } from '../../../shared/search-settings.ts';
import type { Difference } from '../../kit/difference.ts';
import { encode } from '../../kit/generate/messagepack.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { type CheckResult, findUnfinished, type Workload, withMysql, withRedis } from './workload.ts';

const STREAM = 'orm-redis-search-channel';
const INDEX = 'main.Article';
const PREFIX = 'articles:';
export const PROGRESS_KEY = `_orm_force_index${INDEX}`;

/** Separate from the databases of the history, all of whose rows are compared with the oracle's. */
const DATABASE = 'library';
export const SEARCH_POOLS: MorePools = { mysql: DATABASE };

/** The settings define the index completely, so RediSearch is not needed. */
export const SEARCH: SearchSettings = {
  indexes: {
    [INDEX]: {
      redisPool: 'shop',
      mysqlPool: DATABASE,
      table: 'Article',
      prefix: PREFIX,
      fields: { Edition: 'integer', Text: 'text' },
    },
  },
};

/** About 3 MB. The executor returns pages of up to 1 MB, so reading the table takes several pages. */
const INITIAL_ROWS = 100;
const TEXT = 'A text that is long. '.repeat(1500);

/** All rows change together, edition by edition, and are then indexed. At the end each document must match its row. */
export class Search implements Workload {
  readonly name = 'search';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #differences: Difference[] = [];
  #edition = 0;
  #isDrained = true;

  private constructor(application: Application) {
    this.#application = application;
  }

  static async prepare(application: Application): Promise<Search> {
    const search = new Search(application);
    await withMysql(application, async (mysql) => {
      await mysql.query(`CREATE DATABASE ${DATABASE}`);
      await mysql.query(
        'CREATE TABLE library.Article (ID bigint unsigned PRIMARY KEY AUTO_INCREMENT, Edition int NOT NULL, Text mediumtext)',
      );
      const rows = Array.from({ length: INITIAL_ROWS }, () => [0, TEXT]);
      await mysql.query('INSERT INTO library.Article (Edition, Text) VALUES ?', [rows]);
    });
    return search;
  }

  async add(): Promise<void> {
    // Only once between two checks: another edition would overwrite documents that were not written before.
    if (this.#isDrained) await this.#publishEdition();
  }

  supersede(): Promise<void> {
    return this.#publishEdition();
  }

  addRemaining(): Promise<void> {
    return this.#publishEdition();
  }

  async checkDrained(): Promise<void> {
    this.#isDrained = true;
    if (this.#edition === 0) return;
    const documents = await this.#readDocuments(['Edition']);
    const stale = documents.filter(([edition]) => edition !== String(this.#edition)).length;
    if (stale === 0) return;
    this.#differences.push({
      kind: 'lost',
      what: `${stale} of ${documents.length} documents in edition ${this.#edition}`,
    });
  }

  async check(): Promise<CheckResult> {
    const documents = await this.#readDocuments(['Edition', 'Text']);
    const wrong = documents.filter(
      ([edition, text]) => edition !== String(this.#edition) || text !== ESCAPED_TEXT,
    );
    const unfinished = await withRedis(this.#application, 'default', (redis) =>
      findUnfinished(redis, STREAM, CONSUMER_GROUP),
    );
    const hasProgressKey = await withRedis(this.#application, 'shop', (redis) => redis.exists(PROGRESS_KEY));
    return {
      counts: { reindexings: this.#edition, documents: documents.length },
      differences: [
        ...this.#differences,
        ...wrong.map(
          ([edition]): Difference => ({ kind: 'changed', what: `a document of edition ${edition}` }),
        ),
        ...unfinished,
        ...(hasProgressKey === 1 ? [{ kind: 'unexpected', what: `key ${PROGRESS_KEY}` } as const] : []),
      ],
    };
  }

  async #publishEdition(): Promise<void> {
    this.#edition += 1;
    this.#isDrained = false;
    await withMysql(this.#application, async (mysql) => {
      await mysql.query('UPDATE library.Article SET Edition = ?', [this.#edition]);
      await mysql.query('INSERT INTO library.Article (Edition, Text) VALUES (?, ?)', [this.#edition, TEXT]);
    });
    await withRedis(this.#application, 'default', (redis) =>
      redis.xadd(STREAM, '*', 's', encode({ Index: INDEX })),
    );
  }

  /** Reads the given fields of each row's document. */
  async #readDocuments(fields: readonly string[]): Promise<(string | null)[][]> {
    const ids = await withMysql(this.#application, async (mysql) => {
      const [rows] = await mysql.query<RowDataPacket[]>('SELECT ID FROM library.Article');
      return rows.map((row) => String(row['ID']));
    });
    return withRedis(this.#application, 'shop', (redis) =>
      Promise.all(ids.map((id) => redis.hmget(PREFIX + id, ...fields))),
    );
  }
}

/** Documents contain the text with its dots escaped, as BeeORM writes it. */
const ESCAPED_TEXT = TEXT.replaceAll('.', '\\.');
