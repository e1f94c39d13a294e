import type { LazyEvent } from './wire.ts';

/** The result of one executed statement. */
export type StatementResult = {
  readonly pool: string;
  readonly table: string;
  /** From the event's `i`; 0 for an insert. */
  readonly entityId: string;
  /** The ids of the rows that an insert wrote, in order; one `undefined` per row if MySQL refused the insert. */
  readonly rowIds: readonly (string | undefined)[];
  /** The ids that an insert's rows specify themselves, whether or not MySQL refused the insert. */
  readonly ownIds: readonly string[];
  /** MySQL's error number, if it refused the statement. */
  readonly errno?: number;
};

/** The row that an effect belongs to: its id, with 0 replaced, and whether it was written. */
export type AttributedRow = {
  readonly id: string | undefined;
  /** `unsure` if the effect could belong to several statements, of which some were applied and some refused. */
  readonly applied: boolean | 'unsure';
};

/**
 * Finds the row of each log value: first by the table if the effect names one, then by the id. The ids of 0 are the
 * inserted rows, in their order.
 */
export function attributeLogValues(event: LazyEvent, results: readonly StatementResult[]): AttributedRow[] {
  return attribute(
    event.logValues.map(({ table, id }) => ({ group: table, id })),
    (logTable) => results.filter(({ pool, table }) => `_log_${pool}_${table}` === logTable),
    results,
    areAllApplied,
  );
}

export function attributeDirtyEvents(event: LazyEvent, results: readonly StatementResult[]): AttributedRow[] {
  return attribute(
    event.dirtyEvents.map(({ entity, id }) => ({ group: entity, id })),
    (entity) => results.filter(({ table }) => entity.endsWith(`.${table}`)),
    results,
    areAllApplied,
  );
}

/** A key that doesn't end in an id (of a cached query) belongs to all statements of its event. */
export function attributeCacheKeys(event: LazyEvent, results: readonly StatementResult[]): AttributedRow[] {
  return attribute(
    event.cacheKeys.map(({ pool, key }) => ({
      group: `${pool} ${key.slice(0, key.lastIndexOf(':'))}`,
      id: /:(\d+)$/.exec(key)?.[1],
    })),
    () => results,
    results,
    appliedAmong,
  );
}

type Effect = { readonly group: string; readonly id: string | undefined };

function attribute(
  effects: readonly Effect[],
  statementsOf: (group: string) => readonly StatementResult[],
  all: readonly StatementResult[],
  isRowApplied: (ofRow: readonly StatementResult[]) => boolean | 'unsure',
): AttributedRow[] {
  const rowsSeen = new Map<string, number>();
  return effects.map(({ group, id }) => {
    const named = statementsOf(group);
    const candidates = named.length > 0 ? named : all;
    if (id !== undefined && id !== '0') {
      const ofRow = candidates.filter(({ entityId, ownIds }) => entityId === id || ownIds.includes(id));
      return { id, applied: ofRow.length > 0 ? isRowApplied(ofRow) : appliedAmong(candidates) };
    }
    if (id === undefined) return { id, applied: appliedAmong(candidates) };
    const index = rowsSeen.get(group) ?? 0;
    rowsSeen.set(group, index + 1);
    const row = candidates.flatMap(({ rowIds, errno }) => rowIds.map((rowId) => ({ rowId, errno })))[index];
    if (row === undefined)
      throw new Error(`an effect on ${group} belongs to a row that no statement inserts`);
    return { id: row.rowId, applied: row.errno === undefined };
  });
}

/** A log value or dirty event must not report something that may not have happened, such as a refused insert. */
function areAllApplied(ofRow: readonly StatementResult[]): boolean {
  return ofRow.every(({ errno }) => errno === undefined);
}

function appliedAmong(candidates: readonly StatementResult[]): boolean | 'unsure' {
  if (candidates.every(({ errno }) => errno === undefined)) return true;
  return candidates.some(({ errno }) => errno === undefined) ? 'unsure' : false;
}
