import { expect, test } from 'vitest';
import { attributeDirtyEvents, attributeLogValues, type StatementResult } from '../oracle/attribution.ts';
import type { LazyEvent } from '../oracle/wire.ts';

const LOG = { pool: 'default', table: '_log_default_Token', updated: new Date(0), meta: null };

/** Inserts a row with an id that the application chose, and deletes it again. */
const EVENT: LazyEvent = {
  statements: [],
  ids: ['0', '7'],
  cacheKeys: [],
  logValues: [{ ...LOG, id: '7', before: '{}', changes: null }],
  dirtyEvents: [{ entity: 'main.Token', action: 'd', id: '7', streams: ['changed'] }],
};

function resultsWith(errno: number | undefined): StatementResult[] {
  const common = { pool: 'default', table: 'Token' };
  const insert = { ...common, entityId: '0', ownIds: ['7'] };
  return [
    errno === undefined ? { ...insert, rowIds: ['7'] } : { ...insert, rowIds: [undefined], errno },
    { ...common, entityId: '7', rowIds: [], ownIds: [] },
  ];
}

test('the oracle expects no log row and no dirty event for the deletion of a row whose insert failed', () => {
  expect(attributeLogValues(EVENT, resultsWith(1062))).toEqual([{ id: '7', applied: false }]);
  expect(attributeDirtyEvents(EVENT, resultsWith(1062))).toEqual([{ id: '7', applied: false }]);
  expect(attributeLogValues(EVENT, resultsWith(undefined))).toEqual([{ id: '7', applied: true }]);
});
