import * as z from 'zod';
import { ConfigurationError } from './errors.ts';

/**
 * How a column's value is written into a document.
 *
 * - `integer`, `float`: NULL as -9223372036854775807, a float without exponent.
 * - `text`: also enums and sets; NULL as `NULL`, and a backslash before what means something in a query.
 * - `bool`: `true`, `false`, or `NULL`. Every number but 0 is true.
 * - `time`: a date or time as Unix seconds; NULL as -9223372036854775807.
 * - `references`: a JSON list of ids as `e1 e2`.
 */
const FIELD_TYPES = ['integer', 'float', 'text', 'bool', 'time', 'references'] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

const indexSettings = z.strictObject({
  /** Default: the index's name without its package. */
  table: z.string().min(1).optional(),
  /** Default: `default`. */
  mysqlPool: z.string().optional(),
  /** Of the documents. Default: the one in which FT.INFO finds the index. */
  redisPool: z.string().optional(),
  /** Of the documents' keys, without the pool's namespace. Default: what FT.INFO says, or else what BeeORM makes of the name. */
  prefix: z.string().min(1).optional(),
  /** Column by type. Default: what FT.INFO and the table's columns say. */
  fields: z.record(z.string().min(1), z.enum(FIELD_TYPES)).optional(),
  /** Whether rows whose `FakeDelete` isn't 0 are left out. Default: where the table has that column and the index has not. */
  leaveOutFakeDeleted: z.boolean().optional(),
});
export type IndexSettings = z.infer<typeof indexSettings>;

const searchSettings = z.strictObject({
  /** The application's time zone, in which columns hold their times. Default: UTC. */
  timeZone: z.string().refine(isTimeZone, 'not a time zone that is known here').optional(),
  /** By name. An index that isn't here, or a setting that it lacks, is derived. */
  indexes: z.record(z.string(), indexSettings).optional(),
});
export type SearchSettings = z.infer<typeof searchSettings>;

/**
 * Checks settings as they were written.
 *
 * @param source what errors call it, such as the file's path
 * @throws ConfigurationError that names the place of everything that is wrong
 */
export function parseSearchSettings(value: unknown, source: string): SearchSettings {
  const parsed = searchSettings.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(' > ')}: ${message}`,
  );
  throw new ConfigurationError('invalid-search-mapping', `${source}: ${problems.join('; ')}`, {
    nextStep: 'docs/search.md describes each setting.',
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
