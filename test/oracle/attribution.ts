import type { LazyEvent } from './wire.ts';

/** What became of one statement. */
export type StatementResult = {
  readonly pool: string;
  readonly table: string;
  /** From the event's `i`; 0 for an insert. */
  readonly entityId: string;
  /** Of an insert: the ids of its rows, in order; of a refused one, as many `undefined` as it has rows. */
  readonly rowIds: readonly (string | undefined)[];
  /** Of an insert, refused or not: ids that its rows bring along. */
  readonly ownIds: readonly string[];
  /** MySQL's error number where it refused the statement. */
  readonly errno?: number;
};

/** Whether the row that an effect is about was written, and the row's id (with 0 replaced). */
export type RowFate = {
  readonly id: string | undefined;
  /** `unsure` where statements of different fate come into question. */
  readonly applied: boolean | 'unsure';
};

/**
 * Which statement each effect belongs to: by its table where it names one, then by the id; an id of 0 stands for the
 * rows that are inserted, in their order.
 */
export function logValueFates(event: LazyEvent, results: readonly StatementResult[]): RowFate[] {
  return fates(
    event.logValues.map(({ table, id }) => ({ group: table, id })),
    (logTable) => results.filter(({ pool, table }) => `_log_${pool}_${table}` === logTable),
    results,
    areAllApplied,
  );
}

export function dirtyEventFates(event: LazyEvent, results: readonly StatementResult[]): RowFate[] {
  return fates(
    event.dirtyEvents.map(({ entity, id }) => ({ group: entity, id })),
    (entity) => results.filter(({ table }) => entity.endsWith(`.${table}`)),
    results,
    areAllApplied,
  );
}

/** A key that ends in no id (of a cached query) belongs to all of its event's statements. */
export function cacheKeyFates(event: LazyEvent, results: readonly StatementResult[]): RowFate[] {
  return fates(
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

function fates(
  effects: readonly Effect[],
  statementsOf: (group: string) => readonly StatementResult[],
  all: readonly StatementResult[],
  judgeRow: (ofRow: readonly StatementResult[]) => boolean | 'unsure',
): RowFate[] {
  const rowsSeen = new Map<string, number>();
  return effects.map(({ group, id }) => {
    const named = statementsOf(group);
    const candidates = named.length > 0 ? named : all;
    if (id !== undefined && id !== '0') {
      const ofRow = candidates.filter(({ entityId, ownIds }) => entityId === id || ownIds.includes(id));
      return { id, applied: ofRow.length > 0 ? judgeRow(ofRow) : appliedAmong(candidates) };
    }
    if (id === undefined) return { id, applied: appliedAmong(candidates) };
    const index = rowsSeen.get(group) ?? 0;
    rowsSeen.set(group, index + 1);
    const row = candidates.flatMap(({ rowIds, errno }) => rowIds.map((rowId) => ({ rowId, errno })))[index];
    if (row === undefined) throw new Error(`an effect on ${group} stands for a row that nothing inserts`);
    return { id: row.rowId, applied: row.errno === undefined };
  });
}

/** What is told of a row must not be of what may not have happened: an insert of it that was refused, say. */
function areAllApplied(ofRow: readonly StatementResult[]): boolean {
  return ofRow.every(({ errno }) => errno === undefined);
}

function appliedAmong(candidates: readonly StatementResult[]): boolean | 'unsure' {
  if (candidates.every(({ errno }) => errno === undefined)) return true;
  return candidates.some(({ errno }) => errno === undefined) ? 'unsure' : false;
}
