import type { Redis } from 'ioredis';

/** What RediSearch says of an index. */
export interface IndexInfo {
  /** Of the keys that it holds, as they stand in Redis. */
  readonly prefixes: readonly string[];
  readonly fields: readonly IndexField[];
}

export interface IndexField {
  /** Of the hash, and of the column. */
  readonly name: string;
  /** `TEXT`, `NUMERIC`, `TAG`, … */
  readonly type: string;
  /** Of a TEXT field: 0 for a list of references. */
  readonly weight: number;
}

/** Undefined where there is no such index, or no RediSearch. Rejects where Redis can't answer. */
export async function readIndexInfo(redis: Redis, index: string): Promise<IndexInfo | undefined> {
  try {
    const info = pairs(await redis.call('FT.INFO', index));
    const definition = pairs(info.get('index_definition'));
    // Up to RediSearch 2.0 the attributes were called fields, and their first value was the name.
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
    const place = words.findIndex((candidate) => candidate.toLowerCase() === word);
    return place === -1 ? undefined : words[place + 1];
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
