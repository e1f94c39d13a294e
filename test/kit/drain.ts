import type { DrainSummary } from '../../functions/poller/summary.ts';
import { openLocalConsumer } from '../../infra/local/in-process.ts';
import type { Ordering } from '../../infra/local/local-consumer.ts';
import type { Recording } from '../../infra/local/recording/recording.ts';
import { createLogger } from '../../shared/logging.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { Outcome } from '../oracle/outcome.ts';
import { plantCacheKeys } from './cache-keys.ts';
import { compareState } from './compare.ts';
import { describeDifferences } from './difference.ts';
import { entriesOf } from './recorded-entries.ts';
import { readState } from './state.ts';
import { readTestRegistry } from './test-registry.ts';

/** How the consumer is set. */
export interface Setting {
  readonly ordering: Ordering;
  readonly lazyConcurrency: number;
  readonly batchSize?: number;
}

/** A history in real servers, such as `loadFixture` gives. */
export interface LoadedHistory {
  readonly recording: Recording;
  readonly registryYaml: string;
  readonly databasePrefix: string;
}

/**
 * Drains a loaded history to its end, and compares what is there then with what must be there.
 *
 * @returns the summary, and the differences as text: nothing where there are none
 */
export async function drainAndCompare(
  { recording, registryYaml, databasePrefix }: LoadedHistory,
  expected: Outcome,
  setting: Setting,
): Promise<{ summary: DrainSummary; differences: string }> {
  const registry = readTestRegistry(registryYaml, databasePrefix);
  await plantCacheKeys(registry, expected);
  const summary = await drain(registryYaml, databasePrefix, setting);
  const differences = compareState(expected, await readState(registry), entriesOf(recording));
  return { summary, differences: describeDifferences(differences) };
}

/** Drains once, with a ledger database of the test's own. */
export async function drain(
  registryYaml: string,
  databasePrefix: string,
  setting: Setting,
): Promise<DrainSummary> {
  const consumer = await openLocalConsumer({
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    logger: createLogger({ level: 'error', destination: { write: () => true } }),
    ledgerDatabase: `${databasePrefix}background_consumer`,
    allowedStatements: [],
    ...setting,
  });
  try {
    return await consumer.drain({ budgetMs: 60_000 });
  } finally {
    await consumer.close();
  }
}
