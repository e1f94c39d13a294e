/** An entry as stored in its stream. */
export interface StreamEntry {
  readonly id: string;
  /** Field names and values, in order; undefined if the entry is pending but no longer in the stream. */
  readonly fields: readonly (readonly [Buffer, Buffer])[] | undefined;
  /** Attempts of this consumer to handle it that began before this one. What other programs tried does not count. */
  readonly earlierAttempts: number;
  /** Milliseconds since it was last delivered, or since the time set by a claim; absent if it is new. */
  readonly idleMs?: number;
}

/** Returns the first value of a field; undefined if there is none. */
export function fieldValue(entry: StreamEntry, name: string): Buffer | undefined {
  const { fields = [] } = entry;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index];
    if (field !== undefined && isNamed(field[0], name)) return field[1];
  }
  return undefined;
}

/** `name`: ASCII only. */
export function isNamed(field: Buffer, name: string): boolean {
  if (field.length !== name.length) return false;
  // Nearly all fields are named `s`: comparing one byte needs no string.
  return field[0] === name.charCodeAt(0) && (name.length === 1 || field.toString('latin1') === name);
}

/** The name of the field that holds an entry's body. */
export const BODY_NAME = Buffer.from('s');
const NO_FIELDS: NonNullable<StreamEntry['fields']> = [];

/**
 * Copies the entry without its body, to be kept while the entry is being handled. Each slice of a page keeps the whole page
 * in memory, and a few entries of many pages may wait for a long time, for example while their MySQL pool is down.
 */
export function withoutBody(entry: StreamEntry): StreamEntry {
  const { fields } = entry;
  if (fields === undefined) return entry;
  if (fields.length === 1 && fields[0]?.[0] === BODY_NAME) return { ...entry, fields: NO_FIELDS };
  const others = fields.filter(([name]) => !isNamed(name, 's'));
  return { ...entry, fields: others.map(([name, value]) => [Buffer.from(name), Buffer.from(value)]) };
}
