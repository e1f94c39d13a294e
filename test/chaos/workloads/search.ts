import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { SearchSettings } from '../../../shared/search-settings.ts';
import type { Difference } from '../../kit/difference.ts';
import { encode } from '../../kit/generate/messagepack.ts';
import { CONSUMER_GROUP } from '../../kit/test-registry.ts';
import type { Application, MorePools } from '../chaos-servers.ts';
import { type Examination, type Subject, unfinished, withRedis } from './workload.ts';

const STREAM = 'orm-redis-search-channel';
const INDEX = 'main.Article';
const PREFIX = 'articles:';
export const PROGRESS_KEY = `_orm_force_index${INDEX}`;

/** Beside the databases of the history, whose rows are compared one by one. */
const DATABASE = 'library';
export const SEARCH_POOLS: MorePools = { mysql: DATABASE };

/** Without RediSearch an index is what its settings say. */
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

/** Some 3 MB: the executor gives pages of 1 MB, so that there are several of them. */
const ROWS_BEFORE = 100;
const TEXT = 'A text that is long. '.repeat(1500);

/** Rows change as a whole, edition by edition, and are then indexed: in the end documents are what the rows say. */
export class Search implements Subject {
  readonly name = 'search';
  readonly hasMore = true;
  readonly #application: Application;
  readonly #differences: Difference[] = [];
  #edition = 0;
  #isAtRest = true;

  private constructor(application: Application) {
    this.#application = application;
  }

  static async prepare(application: Application): Promise<Search> {
    const search = new Search(application);
    await search.#withMysql(async (mysql) => {
      await mysql.query(`CREATE DATABASE ${DATABASE}`);
      await mysql.query(
        'CREATE TABLE library.Article (ID bigint unsigned PRIMARY KEY AUTO_INCREMENT, Edition int NOT NULL, Text mediumtext)',
      );
      const rows = Array.from({ length: ROWS_BEFORE }, () => [0, TEXT]);
      await mysql.query('INSERT INTO library.Article (Edition, Text) VALUES ?', [rows]);
    });
    return search;
  }

  async add(): Promise<void> {
    // Once between two rests: one more would write over what is missing.
    if (this.#isAtRest) await this.#publishEdition();
  }

  overtake(): Promise<void> {
    return this.#publishEdition();
  }

  addLast(): Promise<void> {
    return this.#publishEdition();
  }

  async rest(): Promise<void> {
    this.#isAtRest = true;
    if (this.#edition === 0) return;
    const documents = await this.#documents(['Edition']);
    const stale = documents.filter(([edition]) => edition !== String(this.#edition)).length;
    if (stale === 0) return;
    this.#differences.push({
      kind: 'lost',
      what: `${stale} of ${documents.length} documents in edition ${this.#edition}`,
    });
  }

  async examine(): Promise<Examination> {
    const documents = await this.#documents(['Edition', 'Text']);
    const wrong = documents.filter(
      ([edition, text]) => edition !== String(this.#edition) || text !== ESCAPED,
    );
    const left = await withRedis(this.#application, 'default', (redis) =>
      unfinished(redis, STREAM, CONSUMER_GROUP),
    );
    const isProgressLeft = await withRedis(this.#application, 'shop', (redis) => redis.exists(PROGRESS_KEY));
    return {
      counts: { reindexings: this.#edition, documents: documents.length },
      differences: [
        ...this.#differences,
        ...wrong.map(
          ([edition]): Difference => ({ kind: 'changed', what: `a document of edition ${edition}` }),
        ),
        ...left,
        ...(isProgressLeft === 1 ? [{ kind: 'unexpected', what: `key ${PROGRESS_KEY}` } as const] : []),
      ],
    };
  }

  async #publishEdition(): Promise<void> {
    this.#edition += 1;
    this.#isAtRest = false;
    await this.#withMysql(async (mysql) => {
      await mysql.query('UPDATE library.Article SET Edition = ?', [this.#edition]);
      await mysql.query('INSERT INTO library.Article (Edition, Text) VALUES (?, ?)', [this.#edition, TEXT]);
    });
    await withRedis(this.#application, 'default', (redis) =>
      redis.xadd(STREAM, '*', 's', encode({ Index: INDEX })),
    );
  }

  /** The given fields of each row's document. */
  async #documents(fields: readonly string[]): Promise<(string | null)[][]> {
    const ids = await this.#withMysql(async (mysql) => {
      const [rows] = await mysql.query<RowDataPacket[]>('SELECT ID FROM library.Article');
      return rows.map((row) => String(row['ID']));
    });
    return withRedis(this.#application, 'shop', (redis) =>
      Promise.all(ids.map((id) => redis.hmget(PREFIX + id, ...fields))),
    );
  }

  async #withMysql<Result>(use: (mysql: Connection) => Promise<Result>): Promise<Result> {
    const pool = this.#application.registry.mysql.get('default');
    if (pool === undefined) throw new Error('the registry has no MySQL pool default');
    const { host, port, user, password } = pool;
    const mysql = await createConnection({ host, port, user, password });
    try {
      return await use(mysql);
    } finally {
      mysql.destroy();
    }
  }
}

const ESCAPED = TEXT.replaceAll('.', '\\.');
