import type { FieldType } from '../../../../shared/search-settings.ts';
import type { IndexField } from './index-info.ts';

/** Kinds of values, by MySQL's type of the column. */
type ColumnKind = 'integer' | 'float' | 'time' | 'text' | 'json';

const KINDS: ReadonlyMap<string, ColumnKind> = new Map<string, ColumnKind>([
  ...['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year'].map((type) => [type, 'integer'] as const),
  ...['float', 'double', 'decimal'].map((type) => [type, 'float'] as const),
  ...['date', 'datetime', 'timestamp'].map((type) => [type, 'time'] as const),
  ...['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set'].map(
    (type) => [type, 'text'] as const,
  ),
  ['json', 'json'],
]);

const FITTING: Readonly<Record<FieldType, readonly ColumnKind[]>> = {
  integer: ['integer'],
  float: ['integer', 'float'],
  text: ['integer', 'float', 'time', 'text', 'json'],
  bool: ['integer'],
  time: ['time'],
  // MariaDB's JSON is a LONGTEXT.
  references: ['json', 'text'],
};

/** Whether the values of a column can be written as that type. `column`: MySQL's name of its type. */
export function doesFit(type: FieldType, column: string): boolean {
  const kind = KINDS.get(column);
  return kind !== undefined && FITTING[type].includes(kind);
}

/** What BeeORM writes into a field of the index from a column of that type; undefined where it never would. */
export function derivedType({ type, weight }: IndexField, column: string): FieldType | undefined {
  const kind = KINDS.get(column);
  switch (type) {
    case 'NUMERIC':
      return kind === 'integer' || kind === 'float' || kind === 'time' ? kind : undefined;
    case 'TEXT':
      // BeeORM gives this weight to lists of references, and to nothing else.
      if (weight === 0 || kind === 'json') return doesFit('references', column) ? 'references' : undefined;
      return kind === 'text' ? 'text' : undefined;
    case 'TAG':
      if (kind === 'integer') return 'bool';
      return kind === 'text' ? 'text' : undefined;
    default:
      return undefined;
  }
}
