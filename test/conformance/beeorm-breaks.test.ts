import { createConnection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { drain, drainAndCompare, type LoadedHistory, type Setting, withConsumer } from '../kit/drain.ts';
import { type LoadedFixture, loadFixture } from '../kit/load-fixture.ts';
import type { Row } from '../kit/read-tables.ts';
import { runOracle } from '../kit/run-oracle.ts';
import { readState, type State } from '../kit/state.ts';
import { readTestRegistry } from '../kit/test-registry.ts';

const SETTINGS = [
  { ordering: 'entity', lazyConcurrency: 11 },
  { ordering: 'entity', lazyConcurrency: 1, batchSize: 1 },
  { ordering: 'pool', lazyConcurrency: 11 },
] as const;

/** Cases in which BeeORM's own consumer crashes or corrupts data. */
describe.each(SETTINGS)('$ordering ordering, $lazyConcurrency lanes', (setting) => {
  test('a duplicate key fails only its own statement', async () => {
    const { state } = await drainCase('duplicate-key', setting);
    expect(rows(state, 'bee.UserEntity').map(({ FirstName }) => FirstName)).toEqual(['First']);
    expect(rows(state, 'bee.PlainEntity').map(({ Name }) => Name)).toEqual(['innocent']);
    expect(state.deadLetters).toMatchObject([{ entry: '1795334891526-1', code: '1062' }]);
    expect(rows(state, 'logs._log_default_UserEntity')).toHaveLength(1);
    expect(state.dirtyEvents.get('user-changed')).toHaveLength(1);
  });

  test('a unique value passes from a deleted row to a new one', async () => {
    const { state } = await drainCase('unique-handover', setting);
    expect(rows(state, 'bee.UserEntity').map(({ FirstName }) => FirstName)).toEqual(['New']);
    expect(state.deadLetters).toEqual([]);
  });

  test('an out-of-range log row alone becomes a dead letter, and a redrive writes it once the column is wider', async () => {
    const { state, history } = await drainCase('log-out-of-range', setting);
    const [inserted] = rows(state, 'bee.UUIDLogEntity');
    expect(inserted).toMatchObject({ ID: '102178315246239745' });
    expect(rows(state, 'bee.PlainEntity').map(({ Name }) => Name)).toEqual(['innocent']);
    expect(state.deadLetters).toMatchObject([{ entry: '1795334888059-0', code: '1264' }]);

    await widenLogTable(history);
    await withConsumer(history, setting, (consumer) => consumer.deadLetters.redrive({}));
    await drain(history, setting);
    const after = await readState(readTestRegistry(history.registryYaml, history.databasePrefix));
    expect(rows(after, 'bee.UUIDLogEntity')).toEqual([inserted]);
    expect(rows(after, 'bee._log_default_UUIDLogEntity')).toMatchObject([
      { entity_id: '102178315246239745' },
    ]);
    expect(after.deadLetters).toEqual([]);
    expect(after.unfinished).toEqual([]);
  });

  test('bytes that are not UTF-8 are unchanged in a row, and base64 in its log row', async () => {
    const { state } = await drainCase('blob-in-log', setting);
    const base64 = Buffer.from([0xff, 0xfe, 0x00, 0x27, 0xc3, 0x28]).toString('base64');
    expect(rows(state, 'bee.BlobLogEntity')).toEqual([{ ID: '1', Blob: { base64 } }]);
    const changes = rows(state, 'bee._log_default_BlobLogEntity').map((row) => row['changes']);
    expect(changes).toEqual([JSON.stringify({ Blob: base64 })]);
    expect(rows(state, 'bee.PlainEntity').map(({ Name }) => Name)).toEqual(['innocent']);
    expect(state.deadLetters).toEqual([]);
  });

  test('a cached insert of several rows inserts each row once, with its own effects', async () => {
    const { state } = await drainCase('multi-row-cached', setting);
    expect(rows(state, 'bee.UserEntity').map(({ FirstName }) => FirstName)).toEqual(['A', 'B', 'C']);
    expect(rows(state, 'logs._log_default_UserEntity')).toHaveLength(3);
    expect(state.dirtyEvents.get('user-changed')?.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(state.deadLetters).toEqual([]);
  });

  test('an event with rows in several pools has each of its effects once', async () => {
    const { state } = await drainCase('event-spans-lanes', setting);
    expect(rows(state, 'bee.PlainEntity').map(({ Age }) => Age)).toEqual(['100', '101', '102']);
    expect(rows(state, 'shop.OrderEntity').map(({ Total }) => Total)).toEqual(['2']);
    // One log row of the lazy event, and one that the application itself wrote to the log channel.
    expect(rows(state, 'logs._log_shop_OrderEntity')).toHaveLength(2);
  });
});

/** Drains a case, and checks that the resulting state is the same as if its entries had been applied serially. */
async function drainCase(
  name: string,
  setting: Setting,
): Promise<{ state: State; history: LoadedHistory & LoadedFixture }> {
  const fixture = await loadFixture(`beeorm-breaks/${name}`);
  const history = { ...fixture, databasePrefix: fixture.database('') };
  const outcome = await runOracle(fixture.recording, history);
  const expected = { ...outcome, identity: ['FirstName', 'Name', 'ID'] };
  const { summary, state, differences } = await drainAndCompare(history, expected, setting);
  expect(summary).toMatchObject({ complete: true, reason: 'drained' });
  expect(differences).toBe('');
  return { state, history };
}

function rows({ tables }: State, table: string): readonly Row[] {
  return tables.get(table) ?? [];
}

async function widenLogTable({ mysql, database }: LoadedFixture): Promise<void> {
  const connection = await createConnection({ ...mysql, database: database('bee') });
  await connection.query('ALTER TABLE _log_default_UUIDLogEntity MODIFY entity_id bigint unsigned NOT NULL');
  await connection.end();
}
