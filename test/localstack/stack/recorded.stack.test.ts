import { readFileSync } from 'node:fs';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { type Recording, readRecording } from '../../../infra/local/recording/recording.ts';
import { plantCacheKeys } from '../../kit/cache-keys.ts';
import { crudOutcome } from '../../kit/crud-outcome.ts';
import { historyOutcome } from '../../kit/history-outcome.ts';
import { fixtureDirectory } from '../../kit/load-fixture.ts';
import { entriesOf } from '../../kit/recorded-entries.ts';
import { runOracle } from '../../kit/run-oracle.ts';
import type { Outcome } from '../../oracle/outcome.ts';
import type { DeployedApplication } from './deployed-application.ts';
import { describeDeployed } from './describe-deployed.ts';
import { IdShift } from './id-shift.ts';

/** Recorded cases in which BeeORM's own consumer fails. */
const BEEORM_FAILURES = [
  'blob-in-log',
  'duplicate-key',
  'event-spans-lanes',
  'multi-row-cached',
  'search-reindex',
  'unique-handover',
  'log-out-of-range',
];

/** A run keeps reading until its budget ends, so that one run drains several fixtures. */
const DEPLOYMENT_VALUES = { tail: true };

describeDeployed(
  'The schedule of a deployed stack',
  { stackName: 'Recorded', registryYaml: registryOfAllFixtures(), values: DEPLOYMENT_VALUES },
  (deployed) => {
    test('drains the recorded case crud with the recorded outcome', async () => {
      const directory = fixtureDirectory('crud');
      expect(
        await drainFixture(deployed.application, readRecording(directory), () => crudOutcome(directory)),
      ).toBe('');
    });

    test.each(BEEORM_FAILURES)(
      'drains %s, where BeeORM fails, as if the entries were applied serially',
      async (name) => {
        const recording = readRecording(fixtureDirectory(`beeorm-breaks/${name}`));
        const expected = async (): Promise<Outcome> => ({
          ...(await runOracle(recording, deployed.application.servers.targets())),
          identity: ['FirstName', 'Name', 'ID'],
        });
        expect(await drainFixture(deployed.application, recording, expected)).toBe('');
      },
    );

    test('applies the remaining work of a dead letter that is redriven through the function', async () => {
      const { application } = deployed;
      const listed = await application.cli('dead-letters', 'list', '--json');
      expect(JSON.parse(listed.stdout)).toMatchObject({
        deadLetters: [{ code: '1264', stream: 'orm-lazy-channel' }],
      });
      await widenLogTable(application);
      const redriven = await application.cli('dead-letters', 'redrive', '--all', '--json');
      expect(redriven).toMatchObject({ exitCode: 0 });
      expect(JSON.parse(redriven.stdout)).toEqual({ redriven: 1 });
      await application.waitUntilDrained();
      const { tables, deadLetters } = await application.readState();
      expect(deadLetters).toEqual([]);
      expect(tables.get('bee.UUIDLogEntity')).toHaveLength(1);
      expect(tables.get('bee._log_default_UUIDLogEntity')).toMatchObject([
        { entity_id: '102178315246239745' },
      ]);
    });

    test('drains the recorded history poison-1, a whole application with many kinds of failing entries', async () => {
      const directory = fixtureDirectory('histories/poison-1');
      const expected = () => historyOutcome(directory);
      expect(await drainFixture(deployed.application, readRecording(directory), expected)).toBe('');
      const { stdout } = await deployed.application.cli('dead-letters', 'list', '--json');
      expect(JSON.parse(stdout).deadLetters).toHaveLength(expected().deadLetters.length);
    });

    test('leaves no work, as the function reports in its status', async () => {
      const { exitCode, stdout } = await deployed.application.cli('status', '--json');
      expect(exitCode).toBe(0);
      const { pools, channels } = JSON.parse(stdout);
      expect(pools).toEqual([
        ...['default', 'shop'].map((pool) => ({ pool, kind: 'redis' })),
        ...['default', 'logs', 'shop'].map((pool) => ({ pool, kind: 'mysql' })),
      ]);
      expect(channels).toContainEqual(expect.objectContaining({ channel: 'lazy', pending: 0, backlog: 0 }));
    });
  },
);

/** Replaces the previous fixture, waits for the schedule to drain the new one, and returns the differences as text. */
async function drainFixture(
  application: DeployedApplication,
  recorded: Recording,
  outcome: () => Outcome | Promise<Outcome>,
): Promise<string> {
  const { servers } = application;
  const shift = new IdShift(recorded, await application.lastMs());
  await servers.load(recorded);
  const expected = shift.outcome(await outcome());
  await plantCacheKeys(servers.registry, expected);
  const entries = entriesOf(shift.recording(recorded));
  await servers.add(entries);
  await application.waitUntilDrained();
  return application.differences(expected, entries);
}

/** The registry that all fixtures share, with the streams of all of them. They have the same pools. */
function registryOfAllFixtures(): string {
  const read = (name: string) => parseDocument(readFileSync(fixtureDirectory(name), 'utf8'));
  const registry = read('registry.yaml');
  const history: Record<string, { streams?: Record<string, string[]> }> = read(
    'histories/poison-1/registry.yaml',
  ).toJS();
  for (const [pool, { streams = {} }] of Object.entries(history))
    for (const [stream, groups] of Object.entries(streams)) registry.setIn([pool, 'streams', stream], groups);
  return registry.toString();
}

async function widenLogTable({ servers }: DeployedApplication): Promise<void> {
  const connection = await createConnection({ ...servers.targets().mysql, database: 'bee' });
  await connection.query('ALTER TABLE _log_default_UUIDLogEntity MODIFY entity_id bigint unsigned NOT NULL');
  await connection.end();
}
