import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';

/** The entries that a BeeORM application added to Redis, and the state of MySQL before they are consumed. */
export interface Recording {
  /** Registry of the application. Its addresses are those of the recorded servers, which no longer exist. */
  readonly registryYaml: string;
  readonly schemaSql: string;
  /** Rows by `database.table`. 64-bit integers are strings. */
  readonly rows: Readonly<Record<string, readonly RecordedRow[]>>;
  readonly entries: readonly RecordedEntry[];
}

export type RecordedRow = Readonly<Record<string, RecordedValue>>;
export type RecordedValue = string | number | null | { readonly base64: string };

export interface RecordedEntry {
  /** Code of the Redis pool in the registry. */
  readonly pool: string;
  readonly stream: string;
  /** Id of the entry in its stream, such as `1795334875750-0`. */
  readonly id: string;
  /** Values as base64 of their raw bytes. */
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
 * Reads `registry.yaml`, `schema.sql`, `before.json` and `streams.jsonl` of a directory. The first two may be in a parent
 * directory, which several recordings share.
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
  if (parent === directory)
    throw new Error(`${name} is missing in the directory of the recording and in its parent directories`);
  return findUpwards(parent, name);
}
