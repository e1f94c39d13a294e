import { loadRecording } from '../../infra/local/recording/load-recording.ts';
import type { Recording } from '../../infra/local/recording/recording.ts';
import type { TargetServers } from '../../infra/local/recording/target-servers.ts';
import type { Outcome } from '../oracle/outcome.ts';
import { applySerially } from '../oracle/serial-oracle.ts';
import { entriesOf } from './recorded-entries.ts';
import { readTestRegistry } from './test-registry.ts';

/** Applies a recording serially, in separate databases next to those of the test. */
export async function runOracle(recording: Recording, targets: TargetServers): Promise<Outcome> {
  const databasePrefix = `${targets.databasePrefix ?? ''}oracle_`;
  const registryYaml = await loadRecording({ ...recording, entries: [] }, { ...targets, databasePrefix });
  return await applySerially(readTestRegistry(registryYaml, databasePrefix), entriesOf(recording));
}
