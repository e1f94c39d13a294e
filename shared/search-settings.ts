import * as z from 'zod';
import { ConfigurationError } from './errors.ts';

/**
 * How the value of a column is written into a document.
 *
 * - `integer`, `float`: a float without an exponent; NULL as -9223372036854775807.
 * - `text`: also enums and sets; with a backslash before each character that has a meaning in queries; NULL as `NULL`.
 * - `bool`: `true`, `false`, or `NULL`. Every number except 0 is true.
 * - `time`: a date or time as Unix seconds; NULL as -9223372036854775807.
 * - `references`: a JSON list of IDs as `e1 e2`.
 */
const FIELD_TYPES = ['integer', 'float', 'text', 'bool', 'time', 'references'] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

const indexSettings = z.strictObject({
  /** Default: the name of the index without its package. */
  table: z.string().min(1).optional(),
  /** Default: `default`. */
  mysqlPool: z.string().optional(),
  /** Redis pool of the documents. Default: the pool in which FT.INFO finds the index. */
  redisPool: z.string().optional(),
  /**
   * Prefix of the documents' keys, without the pool's namespace. Default: FT.INFO's, or otherwise BeeORM's for this
   * index.
   */
  prefix: z.string().min(1).optional(),
  /** Types by column. Default: derived from FT.INFO and the columns of the table. */
  fields: z.record(z.string().min(1), z.enum(FIELD_TYPES)).optional(),
  /** True: skips rows whose `FakeDelete` isn't 0. Default: true if the table has that column and the index doesn't. */
  leaveOutFakeDeleted: z.boolean().optional(),
});
export type IndexSettings = z.infer<typeof indexSettings>;

const searchSettings = z.strictObject({
  /** The application's time zone, in which the columns store times. Default: UTC. */
  timeZone: z.string().refine(isTimeZone, 'unknown time zone').optional(),
  /** By index name. Missing indexes and missing settings are derived. */
  indexes: z.record(z.string(), indexSettings).optional(),
});
export type SearchSettings = z.infer<typeof searchSettings>;

/**
 * Validates the content of a search mapping.
 *
 * @param source its name in error messages, such as the path of the file
 * @throws ConfigurationError that lists the path of each wrong value
 */
export function parseSearchSettings(value: unknown, source: string): SearchSettings {
  const parsed = searchSettings.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(' > ')}: ${message}`,
  );
  throw new ConfigurationError('invalid-search-mapping', `${source}: ${problems.join('; ')}`, {
    nextStep: 'Correct the search mapping; docs/search.md describes each setting.',
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
