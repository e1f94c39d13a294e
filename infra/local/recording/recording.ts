import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';

/** What a BeeORM application left in Redis, with the state of MySQL before its consumption. */
export interface Recording {
  /** The application's registry: the addresses in it are of no use. */
  readonly registryYaml: string;
  readonly schemaSql: string;
  /** Rows by `database.table`. 64-bit integers are strings. */
  readonly rows: Readonly<Record<string, readonly RecordedRow[]>>;
  readonly entries: readonly RecordedEntry[];
}

export type RecordedRow = Readonly<Record<string, RecordedValue>>;
export type RecordedValue = string | number | null | { readonly base64: string };

export interface RecordedEntry {
  /** Code of the Redis pool. */
  readonly pool: string;
  readonly stream: string;
  /** The stream's own id for it, such as `1795334875750-0`. */
  readonly id: string;
  /** The values' raw bytes in base64. */
  readonly fields: Readonly<Record<string, string>>;
}

const rowsSchema = z.record(
  z.string(),
  z.array(
    z.record(z.string(), z.union([z.string(), z.number(), z.null(), z.object({ base64: z.base64() })])),
  ),
);
const entrySchema = z.object({
  pool: z.string().default('default'),
  stream: z.string(),
  id: z.string(),
  fields: z.record(z.string(), z.base64()),
});

/**
 * Reads `registry.yaml`, `schema.sql`, `before.json` and `streams.jsonl` of a directory; the first two may stand in a
 * directory above it, where several recordings share them.
 */
export function readRecording(directory: string): Recording {
  const lines = readFileSync(`${directory}/streams.jsonl`, 'utf8').split('\n');
  return {
    registryYaml: readFileSync(findUpwards(directory, 'registry.yaml'), 'utf8'),
    schemaSql: readFileSync(findUpwards(directory, 'schema.sql'), 'utf8'),
    rows: rowsSchema.parse(JSON.parse(readFileSync(`${directory}/before.json`, 'utf8'))),
    entries: lines.filter((line) => line !== '').map((line) => entrySchema.parse(JSON.parse(line))),
  };
}

function findUpwards(directory: string, name: string): string {
  const path = `${directory}/${name}`;
  if (existsSync(path)) return path;
  const parent = dirname(directory);
  if (parent === directory) throw new Error(`There is no ${name} in or above the recording's directory.`);
  return findUpwards(parent, name);
}
