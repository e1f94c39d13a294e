import { asBinary, ascii, type BinaryString } from '../../shared/binary-string.ts';
import { type MysqlSession, toBytes } from './session.ts';

/** How inserts into the tables of a database depend on other tables. Names are in lower case. */
export interface TableLinks {
  /** Tables with foreign keys. */
  readonly dependents: ReadonlySet<string>;
  /** Tables with insert triggers, and views: an insert into them may read or write rows of any table. */
  readonly farReaching: ReadonlySet<string>;
  /**
   * Tables with a trigger that may assign the ID of a row, and views of such tables: the IDs of several rows of one
   * insert are not a series, and MySQL reports only one of them.
   */
  readonly withAssignedIds: ReadonlySet<string>;
}

/** The links of one database as they were when the current epoch of the ledger began to use them. */
export class KnownTableLinks {
  #known: { readonly token: string; readonly links: TableLinks } | undefined;

  /** @param token of the epoch */
  async read(session: MysqlSession, token: string): Promise<TableLinks> {
    if (this.#known?.token === token) return this.#known.links;
    const links = await readTableLinks(session);
    this.#known = { token, links };
    return links;
  }

  /** The next reader reads them again. */
  forget(): void {
    this.#known = undefined;
  }
}

const FOREIGN_KEYS = ascii(`SELECT DISTINCT TABLE_NAME AS name FROM information_schema.KEY_COLUMN_USAGE
  WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL`);

const TRIGGERS_AND_VIEWS = ascii(`SELECT EVENT_OBJECT_TABLE AS name FROM information_schema.TRIGGERS
  WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_MANIPULATION = 'INSERT'
  UNION SELECT TABLE_NAME FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%VIEW'`);

const TRIGGERS_BEFORE_INSERT_AND_VIEWS =
  ascii(`SELECT EVENT_OBJECT_TABLE AS name FROM information_schema.TRIGGERS
  WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_MANIPULATION = 'INSERT' AND ACTION_TIMING = 'BEFORE'
  UNION SELECT TABLE_NAME FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%VIEW'`);

const VIEWS = ascii(`SELECT TABLE_NAME AS name FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%VIEW'`);

/** Reads the names of the views of the pool's own database, in lower case. */
export async function readViews(session: MysqlSession): Promise<BinaryString[]> {
  return [...(await readNames(session, VIEWS))];
}

/** Reads the links of the pool's own database. */
async function readTableLinks(session: MysqlSession): Promise<TableLinks> {
  const dependents = await readNames(session, FOREIGN_KEYS);
  const farReaching = await readNames(session, TRIGGERS_AND_VIEWS);
  // Most databases have neither triggers nor views.
  const withAssignedIds =
    farReaching.size === 0 ? farReaching : await readNames(session, TRIGGERS_BEFORE_INSERT_AND_VIEWS);
  return { dependents, farReaching, withAssignedIds };
}

async function readNames(session: MysqlSession, select: BinaryString): Promise<ReadonlySet<BinaryString>> {
  const { rows } = await session.one(select);
  return new Set(rows.map((row) => asBinary(toBytes(row['name']).toString('latin1').toLowerCase())));
}
