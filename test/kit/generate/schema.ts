import type { Recording } from '../../../infra/local/recording/recording.ts';

/** A table of the generated application, with the BeeORM settings of its entity. */
export type EntityTable = {
  /** MySQL pool. */
  readonly pool: 'default' | 'shop';
  readonly name: string;
  /** True if the application chooses the ids (uuid), false if MySQL does (AUTO_INCREMENT). */
  readonly uuid: boolean;
  /** All columns except `ID` and `Code`. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** The MySQL pool that contains the log table `_log_<pool>_<name>`. */
  readonly logPool?: 'default' | 'logs';
  /** The Redis pool that caches the rows, and the prefix of their keys. */
  readonly cache?: { readonly pool: 'default' | 'shop'; readonly prefix: string };
  readonly dirtyStreams: readonly string[];
};

export type ColumnKind = 'text' | 'bytes' | 'double' | 'big' | 'email' | 'number' | 'parent';

const text = 'varchar(100) DEFAULT NULL';
const COLUMN_TYPES: Readonly<Record<ColumnKind, string>> = {
  text,
  bytes: 'blob DEFAULT NULL',
  double: 'double NOT NULL DEFAULT 0',
  big: 'bigint(20) unsigned NOT NULL DEFAULT 0',
  email: `${text} UNIQUE`,
  number: 'int(10) unsigned NOT NULL',
  parent: 'bigint(20) unsigned DEFAULT NULL',
};

export const PLAIN: EntityTable = {
  pool: 'default',
  name: 'Plain',
  uuid: false,
  columns: { Name: 'text', Data: 'bytes', Amount: 'double', Big: 'big' },
  dirtyStreams: [],
};

/** Logged in another pool, cached, with dirty events and two unique keys: `Email`, and (`Kind`, `Nr`). */
export const MEMBER: EntityTable = {
  pool: 'default',
  name: 'Member',
  uuid: false,
  columns: { Name: 'text', Email: 'email', Kind: 'number', Nr: 'number' },
  logPool: 'logs',
  cache: { pool: 'default', prefix: 'aaaa1' },
  dirtyStreams: ['changed', 'named'],
};

/** Like `MEMBER`, but with uuids as ids and logged in its own pool. */
export const TOKEN: EntityTable = {
  pool: 'default',
  name: 'Token',
  uuid: true,
  columns: { Name: 'text', Email: 'email', Big: 'big' },
  logPool: 'default',
  cache: { pool: 'default', prefix: 'bbbb2' },
  dirtyStreams: ['changed'],
};

/** Its log table stores only 32 bits of the entity's id, so every log row of a uuid is out of range. */
export const NARROW: EntityTable = {
  pool: 'default',
  name: 'Narrow',
  uuid: true,
  columns: { Name: 'text' },
  logPool: 'default',
  dirtyStreams: ['named'],
};

export const PARENT: EntityTable = {
  pool: 'default',
  name: 'Parent',
  uuid: true,
  columns: { Name: 'text' },
  dirtyStreams: [],
};

export const CHILD: EntityTable = {
  pool: 'default',
  name: 'Child',
  uuid: true,
  columns: { Name: 'text', Parent: 'parent' },
  dirtyStreams: ['changed'],
};

export const ITEM: EntityTable = {
  pool: 'default',
  name: 'Item',
  uuid: false,
  columns: { Name: 'text', Parent: 'parent' },
  dirtyStreams: [],
};

/** In the second MySQL pool, with its cache and dirty events in the second Redis pool. */
const PURCHASE: EntityTable = {
  pool: 'shop',
  name: 'Purchase',
  uuid: false,
  columns: { Note: 'text', Total: 'double' },
  logPool: 'logs',
  cache: { pool: 'shop', prefix: 'cccc3' },
  dirtyStreams: ['shop-changed'],
};

const LINE: EntityTable = {
  pool: 'shop',
  name: 'Line',
  uuid: true,
  columns: { Note: 'text', Data: 'bytes' },
  dirtyStreams: [],
};

export const TABLES = [PLAIN, MEMBER, TOKEN, NARROW, PARENT, CHILD, ITEM, PURCHASE, LINE];

export const PINNED_EMAIL = 'pinned@x.y';
/** The pinned row of each table: only statements that must fail use its values, so nothing ever releases them. */
export const PINNED_ID = 1n;
/** Number of rows that each table has before the history, with ids from 1. */
export const ROWS_BEFORE = 6;
export const NO_PARENT = 999_999_999_999n;

/** The generated application without its entries. */
export function generatedApplication(): Omit<Recording, 'entries'> {
  return { registryYaml: REGISTRY, schemaSql: schemaSql(), rows: rowsBefore() };
}

const REGISTRY = `default:
  mysql: user:password@tcp(host:1)/app
  redis: host:1:0
  streams:
    orm-lazy-channel: [orm-async-consumer]
    orm-log-channel: [orm-async-consumer]
    changed: [readers]
    named: [readers]
logs:
  mysql: user:password@tcp(host:1)/logs
shop:
  mysql: user:password@tcp(host:1)/shop
  redis: host:1:0
  streams:
    shop-changed: [readers]
`;

const DATABASES = { default: 'app', logs: 'logs', shop: 'shop' } as const;

export function logTableOf({ pool, name }: EntityTable): string {
  return `_log_${pool}_${name}`;
}

function schemaSql(): string {
  return Object.entries(DATABASES)
    .map(([pool, database]) => {
      const tables = TABLES.filter((table) => table.pool === pool).map(entityTableSql);
      const logTables = TABLES.filter(({ logPool }) => logPool === pool).map(logTableSql);
      const head = [`CREATE DATABASE IF NOT EXISTS \`${database}\``, `USE \`${database}\``];
      return [...head, ...tables, ...logTables].map((statement) => `${statement};\n`).join('');
    })
    .join('');
}

function entityTableSql({ name, columns, uuid }: EntityTable): string {
  const lines = [
    `\`ID\` ${uuid ? 'bigint(20)' : 'int(10)'} unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY`,
    '`Code` varchar(20) NOT NULL',
    ...Object.entries(columns).map(([column, kind]) => `\`${column}\` ${COLUMN_TYPES[kind]}`),
    ...('Parent' in columns ? ['FOREIGN KEY (`Parent`) REFERENCES `Parent` (`ID`)'] : []),
    ...('Nr' in columns ? ['UNIQUE KEY `Pair` (`Kind`,`Nr`)'] : []),
  ];
  return `CREATE TABLE \`${name}\` (\n  ${lines.join(',\n  ')}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
}

function logTableSql(table: EntityTable): string {
  const idType = table === NARROW ? 'int(10)' : 'bigint(20)';
  return `CREATE TABLE \`${logTableOf(table)}\` (
  \`id\` bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  \`entity_id\` ${idType} unsigned NOT NULL,
  \`added_at\` datetime NOT NULL,
  \`meta\` json DEFAULT NULL,
  \`before\` json DEFAULT NULL,
  \`changes\` json DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
}

function rowsBefore(): Recording['rows'] {
  return Object.fromEntries(
    TABLES.map((table) => {
      const ids = Array.from({ length: ROWS_BEFORE }, (_, index) => index + 1);
      return [`${DATABASES[table.pool]}.${table.name}`, ids.map((id) => rowBefore(table, id))];
    }),
  );
}

function rowBefore({ name, columns }: EntityTable, id: number): Recording['rows'][string][number] {
  const values: Readonly<Record<ColumnKind, string | number | null>> = {
    text: `before ${id}`,
    bytes: null,
    double: id / 4,
    big: String(id),
    email: emailBefore(id),
    number: id,
    parent: id,
  };
  const cells = Object.entries(columns).map(([column, kind]) => [column, values[kind]]);
  return { ID: id, Code: `before-${name}-${id}`, ...Object.fromEntries(cells) };
}

export function emailBefore(id: number): string {
  return BigInt(id) === PINNED_ID ? PINNED_EMAIL : `before${id}@x.y`;
}
