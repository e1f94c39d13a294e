import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecording } from '../../infra/local/recording/recording.ts';
import { compareState } from '../kit/compare.ts';
import { deadLetterCode } from '../kit/compare-dead-letters.ts';
import { crudOutcome } from '../kit/crud-outcome.ts';
import { describeDifferences } from '../kit/difference.ts';
import { historyOutcome } from '../kit/history-outcome.ts';
import { fixtureDirectory } from '../kit/load-fixture.ts';
import { entriesOf } from '../kit/recorded-entries.ts';
import { runOracle } from '../kit/run-oracle.ts';
import type { State } from '../kit/state.ts';
import { takeTestDatabases } from '../kit/test-databases.ts';
import type { CacheKey, Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';

/** The other tests trust the oracle, so it is checked itself: against the recorded outcomes of an application. */
describe('the serial oracle', () => {
  test.each(['full-1', 'poison-1'])('agrees with the recorded outcome of the history %s', async (name) => {
    const directory = fixtureDirectory(`histories/${name}`);
    const expected = historyOutcome(directory);
    const { outcome, entries } = await applyRecording(directory);
    expect(describeDifferences(compareState(expected, stateOf(outcome, expected, entries), entries))).toBe(
      '',
    );
    expect(outcome.autoIds).toEqual(expected.autoIds);
  });

  test('agrees with the recorded outcome of crud', async () => {
    const directory = fixtureDirectory('crud');
    const expected = crudOutcome(directory);
    const { outcome, entries } = await applyRecording(directory);
    expect(describeDifferences(compareState(expected, stateOf(outcome, expected, entries), entries))).toBe(
      '',
    );
  });
});

async function applyRecording(directory: string): Promise<{ outcome: Outcome; entries: StreamEntry[] }> {
  const recording = readRecording(directory);
  const { mysql, databasePrefix, redis, remove } = await takeTestDatabases(1);
  onTestFinished(remove);
  const [anyRedis] = redis;
  if (anyRedis === undefined) throw new Error('no Redis database');
  const outcome = await runOracle(recording, { mysql, databasePrefix, redis: () => anyRedis });
  return { outcome, entries: entriesOf(recording) };
}

/** The state that a consumer would leave if it did exactly what the oracle expects. */
function stateOf(outcome: Outcome, expected: Outcome, entries: readonly StreamEntry[]): State {
  const name = ({ pool, key }: CacheKey) => `${pool} ${key}`;
  const deleted = new Set(outcome.deletedKeys.map(name));
  const remaining = [...expected.deletedKeys, ...outcome.keptKeys].filter((key) => !deleted.has(name(key)));
  const keys = Map.groupBy(remaining, ({ pool }) => pool);
  return {
    ...outcome,
    keys: new Map([...keys].map(([pool, keysOfPool]) => [pool, new Set(keysOfPool.map(({ key }) => key))])),
    deadLetters: outcome.deadLetters.map((letter) => ({
      stream: letter.stream,
      entry: letter.id,
      code: deadLetterCode(letter),
      unapplied: JSON.stringify(letter.unapplied ?? {}),
      fields: entries.find(({ stream, id }) => stream === letter.stream && id === letter.id)?.fields ?? {},
    })),
    unfinished: [],
  };
}
