import { ascii, type BinaryString } from '../../shared/binary-string.ts';
import { type MysqlSession, toBytes } from './session.ts';

/** How inserts into the tables of a database depend on other tables. Names are in lower case. */
export interface TableLinks {
  /** Tables with foreign keys. */
  readonly dependents: ReadonlySet<string>;
  /** Tables with insert triggers, and views: an insert into them may read or write rows of any table. */
  readonly farReaching: ReadonlySet<string>;
}

const FOREIGN_KEYS = ascii(`SELECT DISTINCT TABLE_NAME AS name FROM information_schema.KEY_COLUMN_USAGE
  WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL`);

const TRIGGERS_AND_VIEWS = ascii(`SELECT EVENT_OBJECT_TABLE AS name FROM information_schema.TRIGGERS
  WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_MANIPULATION = 'INSERT'
  UNION SELECT TABLE_NAME FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE LIKE '%VIEW'`);

/** Reads the links of the pool's own database. */
export async function readTableLinks(session: MysqlSession): Promise<TableLinks> {
  const dependents = await readNames(session, FOREIGN_KEYS);
  return { dependents, farReaching: await readNames(session, TRIGGERS_AND_VIEWS) };
}

async function readNames(session: MysqlSession, select: BinaryString): Promise<ReadonlySet<string>> {
  const { rows } = await session.one(select);
  return new Set(rows.map((row) => toBytes(row['name']).toString('latin1').toLowerCase()));
}
