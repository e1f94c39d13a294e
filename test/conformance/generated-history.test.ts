import { describe, expect, onTestFinished, test } from 'vitest';
import { type History, seededHistory } from '../kit/generate/history.ts';
import { runOracle } from '../kit/run-oracle.ts';
import { takeTestDatabases } from '../kit/test-databases.ts';
import type { Outcome } from '../oracle/outcome.ts';

/** The properties that the generator guarantees, verified by applying its histories serially. */
describe('a generated history', () => {
  test.each([1, 2, 3])('without poison contains no failing statement (seed %i)', async (seed) => {
    const { deadLetters } = await outcomeOf(seededHistory(seed, 300, { ordering: 'entity', poisonRate: 0 }));
    expect(deadLetters).toEqual([]);
  });

  test('of poison only turns each entry into a dead letter', async () => {
    const history = seededHistory(1, 300, { ordering: 'entity', poisonRate: 1 });
    const { deadLetters, keptKeys } = await outcomeOf(history);
    const letters = new Set(deadLetters.map(({ stream, id }) => `${stream} ${id}`));
    expect(history.entries.filter(({ stream, id }) => !letters.has(`${stream} ${id}`))).toEqual([]);
    expect(keptKeys).toContainEqual({ pool: 'default', key: 'kept' });
    const errors = new Set(deadLetters.map(({ kind, errno }) => errno ?? kind));
    expect([...errors].map(String).toSorted()).toEqual(
      [1048, 1054, 1062, 1064, 1146, 1264, 1366, 1406, 1451, 1452, 'policy', 'pool', 'wire'].map(String),
    );
  });

  test('for the ordering pool contains statements that fail because of the order', async () => {
    const { deadLetters } = await outcomeOf(seededHistory(1, 300, { ordering: 'pool', poisonRate: 0 }));
    expect(deadLetters.length).toBeGreaterThan(0);
  });

  test('is the same for the same seed, and different for another seed', () => {
    const options = { ordering: 'entity', poisonRate: 0.1 } as const;
    expect(seededHistory(7, 50, options)).toEqual(seededHistory(7, 50, options));
    expect(seededHistory(7, 50, options)).not.toEqual(seededHistory(8, 50, options));
  });
});

async function outcomeOf({ recording }: History): Promise<Outcome> {
  const { mysql, databasePrefix, redis, remove } = await takeTestDatabases(1);
  onTestFinished(remove);
  const [anyRedis] = redis;
  if (anyRedis === undefined) throw new Error('no Redis database');
  return await runOracle(recording, { mysql, databasePrefix, redis: () => anyRedis });
}
