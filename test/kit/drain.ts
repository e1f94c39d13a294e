import type { Consumer } from '../../cli/consumer/consumer.ts';
import { openLocalConsumer } from '../../cli/consumer/local-consumer.ts';
import type { Recording } from '../../infra/local/recording/recording.ts';
import type { OrderingRule } from '../../shared/drain-rules.ts';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import type { Outcome } from '../oracle/outcome.ts';
import { plantCacheKeys } from './cache-keys.ts';
import { compareState } from './compare.ts';
import { describeDifferences } from './difference.ts';
import { entriesOf } from './recorded-entries.ts';
import { silentLogger } from './scene/drain-scene.ts';
import { readState, type State } from './state.ts';
import { readTestRegistry } from './test-registry.ts';

/** The consumer's settings that conformance tests vary. */
export interface Setting {
  readonly ordering: OrderingRule;
  readonly lazyConcurrency: number;
  readonly batchSize?: number;
}

/** A history in real servers, such as one loaded by `loadFixture`. */
export interface LoadedHistory {
  readonly recording: Recording;
  readonly registryYaml: string;
  readonly databasePrefix: string;
}

/**
 * Drains a loaded history to its end, and compares the resulting state with the expected one.
 *
 * @returns the summary, the state, and the differences as text (empty if there are none)
 */
export async function drainAndCompare(
  history: LoadedHistory,
  expected: Outcome,
  setting: Setting,
): Promise<{ summary: DrainSummary; state: State; differences: string }> {
  const registry = readTestRegistry(history.registryYaml, history.databasePrefix);
  await plantCacheKeys(registry, expected);
  const summary = await drain(history, setting);
  const state = await readState(registry);
  const differences = compareState(expected, state, entriesOf(history.recording));
  return { summary, state, differences: describeDifferences(differences) };
}

/** Drains once, with a ledger database that belongs to the test. */
export function drain(history: LoadedHistory, setting: Setting): Promise<DrainSummary> {
  return withConsumer(history, setting, (consumer) => consumer.drain({ budgetMs: 60_000 }));
}

/** Opens a consumer, runs `task` with it, and closes it. */
export async function withConsumer<Result>(
  { registryYaml, databasePrefix }: LoadedHistory,
  setting: Setting,
  task: (consumer: Consumer) => Promise<Result>,
): Promise<Result> {
  const consumer = await openLocalConsumer({
    registry: parseRegistry(registryYaml, 'registry.yaml'),
    logger: silentLogger,
    ledgerDatabase: `${databasePrefix}background_consumer`,
    allowedStatements: [],
    ...setting,
  });
  try {
    return await task(consumer);
  } finally {
    await consumer.close();
  }
}
