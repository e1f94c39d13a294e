import { describe, expect, test } from 'vitest';
import { compareState } from '../kit/compare.ts';
import { describeDifferences } from '../kit/difference.ts';
import type { State } from '../kit/state.ts';
import type { Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';

const failedEntry: StreamEntry = {
  pool: 'default',
  stream: 'orm-lazy-channel',
  id: '7-0',
  fields: { s: Buffer.from([0xc1]) },
};

/** Two rows whose ids MySQL chose, with log rows, dirty events and cache keys, and one dead letter. */
const expected: Outcome = {
  tables: new Map([
    [
      'app.User',
      [
        { ID: '1', Code: 'a', Name: 'Ann' },
        { ID: '2', Code: 'b', Name: 'Bob' },
      ],
    ],
    ['app._log_default_User', [logRow('1'), logRow('2')]],
  ]),
  identity: ['Code', 'ID'],
  autoIds: new Map([['app.User', new Set(['1', '2'])]]),
  entityTables: new Map([
    ['main.User', 'app.User'],
    ['app._log_default_User', 'app.User'],
  ]),
  dirtyEvents: new Map([['changed', [event('1', 'i'), event('2', 'i'), event('2', 'u')]]]),
  deletedKeys: [{ pool: 'default', key: 'user:2', row: { table: 'app.User', id: '2' } }],
  keptKeys: [{ pool: 'default', key: 'user_All' }],
  deadLetters: [{ stream: failedEntry.stream, id: failedEntry.id, kind: 'wire' }],
};

const equal: State = {
  tables: expected.tables,
  dirtyEvents: expected.dirtyEvents,
  keys: new Map([['default', new Set(['user_All'])]]),
  deadLetters: [
    {
      stream: 'orm-lazy-channel',
      entry: '7-0',
      code: 'undecodable',
      unapplied: '{}',
      fields: failedEntry.fields,
    },
  ],
  unfinished: [],
};

describe('the comparison of the actual state with the expected state', () => {
  test('finds no difference between equal states', () => {
    expect(differences({})).toBe('');
  });

  test('accepts higher ids in the same order', () => {
    const users = [user('5', 'a', 'Ann'), user('9', 'b', 'Bob')];
    const logRows = [logRow('9'), logRow('5')];
    const events = [event('5', 'i'), event('9', 'i'), event('9', 'u')];
    expect(differences({ ...tables(users, logRows), dirtyEvents: new Map([['changed', events]]) })).toBe('');
  });

  test('finds lost, duplicated, changed and unexpected rows', () => {
    const users = [user('2', 'b', 'Bo'), user('3', 'b', 'Bob'), user('4', 'c', 'Cid')];
    expect(differences(tables(users))).toBe(
      [
        'lost: app.User Code=a',
        'duplicated: app.User Code=b (2 instead of 1)',
        'unexpected: app.User Code=c',
        'changed: app.User Code=b Name: "Bo" instead of "Bob"',
      ].join('\n'),
    );
  });

  test('finds rows that were inserted out of order', () => {
    const users = [user('1', 'b', 'Bob'), user('2', 'a', 'Ann')];
    expect(differences(tables(users))).toContain('out of order: rows of app.User from insert 0');
  });

  test('finds lost and duplicated log rows', () => {
    const found = differences(tables(undefined, [logRow('1'), logRow('1')]));
    expect(found).toMatch(/^duplicated: app\._log_default_User of 1 .*\nlost: app\._log_default_User of 2 /);
  });

  test('finds dirty events that are lost, duplicated or out of order', () => {
    const events = [event('1', 'i'), event('1', 'i'), event('2', 'u'), event('2', 'i')];
    expect(differences({ dirtyEvents: new Map([['changed', events]]) })).toBe(
      [
        'duplicated: event i in changed: main.User 1 (2 instead of 1)',
        'out of order: events in changed: main.User 2: u,i instead of i,u',
      ].join('\n'),
    );
    expect(differences({ dirtyEvents: new Map() })).toContain('lost: event u in changed: main.User 2');
  });

  test('finds a cache key of a row with its actual id that should be deleted, and a cache key that should exist', () => {
    const users = [user('1', 'a', 'Ann'), user('3', 'b', 'Bob')];
    const events = [event('1', 'i'), event('3', 'i'), event('3', 'u')];
    const dirtyEvents = new Map([['changed', events]]);
    const keys = new Map([['default', new Set(['user:3'])]]);
    expect(differences({ ...tables(users, [logRow('1'), logRow('3')]), dirtyEvents, keys })).toBe(
      [
        'lost: deletion of cache key user:3 in Redis pool default',
        'unexpected: deletion of cache key user_All in Redis pool default',
      ].join('\n'),
    );
  });

  test('finds a dead letter that is lost, duplicated or damaged, or has another code', () => {
    const [letter] = equal.deadLetters;
    if (letter === undefined) throw new Error('no dead letter');
    expect(differences({ deadLetters: [] })).toBe('lost: dead letter orm-lazy-channel 7-0 undecodable');
    expect(differences({ deadLetters: [letter, letter] })).toContain('duplicated: dead letter');
    expect(differences({ deadLetters: [{ ...letter, code: '1064' }] })).toContain('unexpected: dead letter');
    expect(differences({ deadLetters: [{ ...letter, fields: {} }] })).toContain(
      'changed: fields in dead letter',
    );
  });

  test('finds pending entries', () => {
    const unfinished = [{ stream: 'orm-lazy-channel', pending: 1, unread: 0 }];
    expect(differences({ unfinished })).toBe('unfinished: orm-lazy-channel: 1 pending, 0 unread');
  });
});

function differences(changes: Partial<State>): string {
  return describeDifferences(compareState(expected, { ...equal, ...changes }, [failedEntry]));
}

function tables(users = expected.tables.get('app.User') ?? [], logRows = [logRow('1'), logRow('2')]) {
  return {
    tables: new Map([
      ['app.User', users],
      ['app._log_default_User', logRows],
    ]),
  };
}

function user(ID: string, Code: string, Name: string) {
  return { ID, Code, Name };
}

function logRow(entity_id: string) {
  const changes = '{"Name": "x", "Age": 18446744073709551615}';
  return { id: entity_id, entity_id, added_at: '2026-01-01 00:00:00', meta: null, before: null, changes };
}

function event(id: string, action: string) {
  return { entity: 'main.User', action, id };
}
