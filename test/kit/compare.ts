import type { CacheKey, Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { compareDeadLetters } from './compare-dead-letters.ts';
import { compareDirtyEvents } from './compare-dirty-events.ts';
import { compareLogRows } from './compare-log-rows.ts';
import { compareRows } from './compare-rows.ts';
import type { Difference } from './difference.ts';
import { IdMapping } from './id-mapping.ts';
import type { State } from './state.ts';
import { LAZY_STREAM, LOG_STREAM } from './test-registry.ts';

/**
 * Compares the actual state with the expected one: rows, log rows, dirty events, cache keys and dead letters. Also
 * reports entries that are still pending or unread. The cache keys must have been created before the drain (see
 * `cache-keys.ts`).
 *
 * @param entries the history; a dead letter must contain its entry's fields byte for byte
 * @returns an empty list if both are equal
 */
export function compareState(
  expected: Outcome,
  actual: State,
  entries: readonly StreamEntry[],
): Difference[] {
  const ids = new IdMapping(expected, actual.tables);
  return [
    ...compareRows(expected, actual.tables),
    ...compareLogRows(expected, actual.tables, ids),
    ...compareDirtyEvents(expected, actual.dirtyEvents, ids),
    ...compareKeys(expected, actual, ids),
    ...compareDeadLetters(expected, actual, entries),
    ...compareProgress(actual),
  ];
}

function compareKeys({ deletedKeys, keptKeys }: Outcome, { keys }: State, ids: IdMapping): Difference[] {
  const exists = ({ pool, key }: CacheKey) => keys.get(pool)?.has(key) === true;
  const named = ({ pool, key }: CacheKey) => `deletion of cache key ${key} in Redis pool ${pool}`;
  return [
    ...deletedKeys
      .map((key) => actualKey(key, ids))
      .filter(exists)
      .map((key): Difference => ({ kind: 'lost', what: named(key) })),
    ...keptKeys
      .filter((key) => !exists(key))
      .map((key): Difference => ({ kind: 'unexpected', what: named(key) })),
  ];
}

function actualKey({ pool, key, row }: CacheKey, ids: IdMapping): CacheKey {
  if (row === undefined) return { pool, key };
  return { pool, key: key.slice(0, -row.id.length) + ids.toActual(row.table, row.id) };
}

function compareProgress({ unfinished }: State): Difference[] {
  return unfinished
    .filter(({ stream, pending }) => pending > 0 || stream === LAZY_STREAM || stream === LOG_STREAM)
    .map(({ stream, pending, unread }) => ({
      kind: 'unfinished',
      what: `${stream}: ${pending} pending, ${unread} unread`,
    }));
}
