import { describe, expect, test } from 'vitest';
import { crudOutcome } from '../kit/crud-outcome.ts';
import { drainAndCompare } from '../kit/drain.ts';
import { loadFixture } from '../kit/load-fixture.ts';

describe('the recording crud', () => {
  test.each([
    { ordering: 'entity', lazyConcurrency: 1, batchSize: 1 },
    { ordering: 'entity', lazyConcurrency: 4, batchSize: 3 },
    { ordering: 'entity', lazyConcurrency: 11, batchSize: 200 },
    { ordering: 'pool', lazyConcurrency: 11, batchSize: 1 },
    { ordering: 'pool', lazyConcurrency: 11, batchSize: 200 },
  ] as const)(
    'results in the recorded state: $ordering, $lazyConcurrency lanes, batches of $batchSize',
    async (setting) => {
      const fixture = await loadFixture('crud');
      const history = { ...fixture, databasePrefix: fixture.database('') };
      const { summary, differences } = await drainAndCompare(
        history,
        crudOutcome(fixture.directory),
        setting,
      );
      expect(summary).toMatchObject({ complete: true, reason: 'drained' });
      expect(differences).toBe('');
    },
  );
});
