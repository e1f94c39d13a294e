import type { Outcome } from '../oracle/outcome.ts';
import type { DirtyEvent } from '../oracle/wire.ts';
import { compareCounts, type Difference } from './difference.ts';
import type { IdMapping } from './id-mapping.ts';
import type { State } from './state.ts';

/** Expects the same events of each entity in each stream, in the same order. */
export function compareDirtyEvents(
  expected: Outcome,
  actual: State['dirtyEvents'],
  ids: IdMapping,
): Difference[] {
  return [...new Set([...expected.dirtyEvents.keys(), ...actual.keys()])].flatMap((stream) => {
    const found = (actual.get(stream) ?? []).map((event) => ({
      ...event,
      id: ids.toExpected(expected.entityTables.get(event.entity), event.id),
    }));
    return compareStream(stream, expected.dirtyEvents.get(stream) ?? [], found);
  });
}

function compareStream(
  stream: string,
  expected: readonly DirtyEvent[],
  actual: readonly DirtyEvent[],
): Difference[] {
  const wanted = Map.groupBy(expected, (event) => `${stream}: ${event.entity} ${event.id}`);
  const found = Map.groupBy(actual, (event) => `${stream}: ${event.entity} ${event.id}`);
  return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((entity): Difference[] => {
    const before = (wanted.get(entity) ?? []).map(({ action }) => action);
    const after = (found.get(entity) ?? []).map(({ action }) => action);
    const counts = compareCounts(
      before.map((action) => `event ${action} in ${entity}`),
      after.map((action) => `event ${action} in ${entity}`),
    );
    if (counts.length > 0 || before.join() === after.join()) return counts;
    return [
      { kind: 'out of order', what: `events in ${entity}: ${after.join()} instead of ${before.join()}` },
    ];
  });
}
