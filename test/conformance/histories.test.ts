import { describe, expect, test } from 'vitest';
import { drainAndCompare } from '../kit/drain.ts';
import { historyOutcome } from '../kit/history-outcome.ts';
import { loadFixture } from '../kit/load-fixture.ts';

const SETTINGS = [
  { ordering: 'entity', lazyConcurrency: 1, batchSize: 200 },
  { ordering: 'entity', lazyConcurrency: 4, batchSize: 7 },
  { ordering: 'entity', lazyConcurrency: 11, batchSize: 200 },
  { ordering: 'pool', lazyConcurrency: 1, batchSize: 25 },
  { ordering: 'pool', lazyConcurrency: 11, batchSize: 200 },
] as const;

/** Recordings of a complete application, with 1,500 operations each. */
describe.each(['full-1', 'poison-1'])('the recorded history %s', (name) => {
  test.each(SETTINGS)(
    'results in the same state as if applied serially: $ordering, $lazyConcurrency lanes, batches of $batchSize',
    async (setting) => {
      const fixture = await loadFixture(`histories/${name}`);
      const history = { ...fixture, databasePrefix: fixture.database('') };
      const { summary, differences } = await drainAndCompare(
        history,
        historyOutcome(fixture.directory),
        setting,
      );
      expect(summary).toMatchObject({ complete: true, reason: 'drained' });
      expect(differences).toBe('');
    },
  );
});
