import type { FieldType } from '../../../../shared/search-settings.ts';
import type { IndexField } from './index-info.ts';

/** Groups of MySQL column types. */
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
  // In MariaDB, JSON is an alias for LONGTEXT.
  references: ['json', 'text'],
};

/** Returns true if the values of a column can be written as this field type. `column` is the MySQL type name. */
export function doesFit(type: FieldType, column: string): boolean {
  const kind = KINDS.get(column);
  return kind !== undefined && FITTING[type].includes(kind);
}

/** The type that BeeORM writes into an index field from a column of this type; undefined if it never does. */
export function derivedType({ type, weight }: IndexField, column: string): FieldType | undefined {
  const kind = KINDS.get(column);
  switch (type) {
    case 'NUMERIC':
      return kind === 'integer' || kind === 'float' || kind === 'time' ? kind : undefined;
    case 'TEXT':
      // BeeORM gives the weight 0 only to lists of references.
      if (weight === 0 || kind === 'json') return doesFit('references', column) ? 'references' : undefined;
      return kind === 'text' ? 'text' : undefined;
    case 'TAG':
      if (kind === 'integer') return 'bool';
      return kind === 'text' ? 'text' : undefined;
    default:
      return undefined;
  }
}
