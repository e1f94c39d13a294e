import { createHash } from 'node:crypto';
import { type BinaryString, binaryToDisplayText, textToBinary } from '../../../../shared/binary-string.ts';
import type { TableColumn } from '../../../../shared/protocol.ts';
import { DEFAULT_POOL, namespaced } from '../../../../shared/registry/beeorm-names.ts';
import type { RedisPool } from '../../../../shared/registry/types.ts';
import type { FieldType, IndexSettings } from '../../../../shared/search-settings.ts';
import { derivedType, doesFit } from './field-types.ts';
import type { IndexInfo } from './index-info.ts';

/** The source of an index's rows and the destination of its documents. */
export interface SearchIndex {
  readonly name: string;
  readonly mysqlPool: string;
  readonly table: BinaryString;
  readonly withoutFakeDeleted: boolean;
  readonly redisPool: RedisPool;
  /** The prefix of the documents' keys, as stored in Redis. */
  readonly prefix: string;
  readonly fields: readonly DocumentField[];
}

interface DocumentField {
  /** The name of the column and of the hash field. */
  readonly name: BinaryString;
  readonly type: FieldType;
}

export interface IndexSources {
  readonly name: string;
  readonly settings: IndexSettings;
  readonly redisPool: RedisPool;
  /** Undefined if the index does not exist (yet): its settings must then list the fields. */
  readonly info: IndexInfo | undefined;
  /** The columns of the table that {@link tableOf} returns; empty if it does not exist. */
  readonly columns: readonly TableColumn[];
}

const FAKE_DELETE = 'FakeDelete';

/** The MySQL pool and table of an index's rows. */
export function tableOf(
  name: string,
  settings: IndexSettings,
): { readonly mysqlPool: string; readonly table: string } {
  const table = settings.table ?? name.slice(name.lastIndexOf('.') + 1);
  return { mysqlPool: settings.mysqlPool ?? DEFAULT_POOL, table };
}

/** Derives everything that the settings of an index leave open, or returns why this is not possible. */
export function defineIndex(sources: IndexSources): SearchIndex | { readonly problem: string } {
  const { name, settings, redisPool, info } = sources;
  const { mysqlPool, table } = tableOf(name, settings);
  const columns = new Map(sources.columns.map((column) => [binaryToDisplayText(column.name), column.type]));
  if (!columns.has('ID')) {
    const missing = columns.size === 0 ? `there is no table '${table}'` : `table '${table}' has no column ID`;
    return { problem: `${missing} in MySQL pool '${mysqlPool}'` };
  }
  const fields = settings.fields ? fieldsOf(settings.fields, columns) : deriveFields(info, columns);
  if ('problem' in fields)
    return { problem: `${fields.problem} (table '${table}' of MySQL pool '${mysqlPool}')` };
  const hasFakeDelete = columns.has(FAKE_DELETE);
  const isIndexed = fields.some((field) => field.name === FAKE_DELETE);
  return {
    name,
    mysqlPool,
    table: textToBinary(table),
    withoutFakeDeleted: hasFakeDelete && (settings.leaveOutFakeDeleted ?? !isIndexed),
    redisPool,
    prefix: prefixOf(sources),
    fields,
  };
}

/** BeeORM derives the prefix from a hash of the index name. */
function prefixOf({ name, settings, redisPool, info }: IndexSources): string {
  const known = settings.prefix === undefined ? info?.prefixes[0] : namespaced(redisPool, settings.prefix);
  if (known !== undefined && known !== '') return known;
  const hash = createHash('sha256').update(name).digest('hex');
  return namespaced(redisPool, `${hash.slice(0, 5)}:`);
}

type Fields = DocumentField[] | { readonly problem: string };

function fieldsOf(
  settings: Readonly<Record<string, FieldType>>,
  columns: ReadonlyMap<string, string>,
): Fields {
  return collect(Object.entries(settings), ([name, type]) => {
    const column = columns.get(name);
    if (column === undefined) return { problem: `there is no column for field ${name}` };
    if (!doesFit(type, column))
      return { problem: `column ${name} of type ${column} cannot be written as ${type}` };
    return { name: textToBinary(name), type };
  });
}

function deriveFields(info: IndexInfo | undefined, columns: ReadonlyMap<string, string>): Fields {
  if (info === undefined) return { problem: 'the index does not exist, and its settings have no fields' };
  return collect(info.fields, (field) => {
    const column = columns.get(field.name);
    if (column === undefined) return { problem: `there is no column for field ${field.name}` };
    const type = derivedType(field, column);
    if (type === undefined) {
      return {
        problem: `field ${field.name} of type ${field.type} cannot be derived from a column of type ${column}`,
      };
    }
    return { name: textToBinary(field.name), type };
  });
}

function collect<Item>(
  items: readonly Item[],
  toField: (item: Item) => DocumentField | { readonly problem: string },
): Fields {
  const fields: DocumentField[] = [];
  const problems: string[] = [];
  for (const item of items) {
    const field = toField(item);
    if ('problem' in field) problems.push(field.problem);
    else fields.push(field);
  }
  if (problems.length > 0) return { problem: problems.join('; ') };
  return fields.length === 0 ? { problem: 'the index has no fields' } : fields;
}
