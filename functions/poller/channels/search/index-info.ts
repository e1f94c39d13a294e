import type { Redis } from 'ioredis';

/** The definition of an index in RediSearch. */
export interface IndexInfo {
  /** The prefixes of the indexed keys, as stored in Redis. */
  readonly prefixes: readonly string[];
  readonly fields: readonly IndexField[];
}

export interface IndexField {
  /** The name of the hash field and of the column. */
  readonly name: string;
  /** `TEXT`, `NUMERIC`, `TAG`, … */
  readonly type: string;
  /** The weight of a TEXT field: 0 for a list of references. */
  readonly weight: number;
}

/** Returns undefined if the index or RediSearch itself does not exist. Rejects if Redis cannot answer. */
export async function readIndexInfo(redis: Redis, index: string): Promise<IndexInfo | undefined> {
  try {
    const info = pairs(await redis.call('FT.INFO', index));
    const definition = pairs(info.get('index_definition'));
    // Up to version 2.0, RediSearch called the attributes fields, and the first value was the name.
    const fields = list(info.get('attributes') ?? info.get('fields'));
    return { prefixes: list(definition.get('prefixes')).map(String), fields: fields.map(toField) };
  } catch (error) {
    if (error instanceof Error && NO_INDEX.test(error.message)) return undefined;
    throw error;
  }
}

const NO_INDEX = /unknown index name|no such index|unknown command/i;

function toField(reply: unknown): IndexField {
  const words = list(reply).map(String);
  const after = (word: string): string | undefined => {
    const index = words.findIndex((candidate) => candidate.toLowerCase() === word);
    return index === -1 ? undefined : words[index + 1];
  };
  return {
    name: after('identifier') ?? words[0] ?? '',
    type: (after('type') ?? '').toUpperCase(),
    weight: Number(after('weight') ?? 1),
  };
}

function pairs(reply: unknown): Map<string, unknown> {
  const flat = list(reply);
  const map = new Map<string, unknown>();
  for (let index = 0; index + 1 < flat.length; index += 2) map.set(String(flat[index]), flat[index + 1]);
  return map;
}

function list(reply: unknown): unknown[] {
  return Array.isArray(reply) ? reply : [];
}
