import { ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { plantCacheKeys } from '../../kit/cache-keys.ts';
import { type History, seededHistory } from '../../kit/generate/history.ts';
import { generatedApplication } from '../../kit/generate/schema.ts';
import { entriesOf } from '../../kit/recorded-entries.ts';
import { runOracle } from '../../kit/run-oracle.ts';
import type { DeployedApplication } from './deployed-application.ts';
import { describeDeployed } from './describe-deployed.ts';
import { IdShift } from './later-ids.ts';
import { failures } from './run-summaries.ts';

const SEED = 2026;
const POISON_RATE = 0.02;
const BACKLOG_ENTRIES = 20_000;
/** An operation is one entry or a few. */
const BACKLOG_OPERATIONS = 17_000;
const THROTTLED_OPERATIONS = 2500;
const RESERVED = 2;

const { registryYaml } = generatedApplication();

describeDeployed('A stack with all defaults', { stackName: 'Backlog', registryYaml }, (place) => {
  test(`drains while its executor is reserved to ${RESERVED}, and takes each 429 for what it is`, async () => {
    const { application } = place;
    await application.lambda.putFunctionConcurrency({
      FunctionName: application.functions.executor,
      ReservedConcurrentExecutions: RESERVED,
    });
    const history = seededHistory(SEED, THROTTLED_OPERATIONS, {
      ordering: 'entity',
      poisonRate: POISON_RATE,
    });
    expect(await drainHistory(application, history)).toBe('');
    const summaries = await application.summaries();
    const refusals = failures(summaries, 'TooManyRequestsException');
    console.log(`seed ${SEED}: ${history.entries.length} entries, ${refusals} invocations refused with 429`);
    expect(refusals).toBeGreaterThan(0);
    await application.lambda.deleteFunctionConcurrency({ FunctionName: application.functions.executor });
  });

  test('drains a backlog of 20,000 entries', async () => {
    const history = seededHistory(SEED + 1, BACKLOG_OPERATIONS, {
      ordering: 'entity',
      poisonRate: POISON_RATE,
    });
    expect(history.entries.length).toBeGreaterThan(BACKLOG_ENTRIES);
    expect(await drainHistory(place.application, history)).toBe('');
  });

  test('is gone after `cdk destroy`, with all its processes', async () => {
    const { application } = place;
    await application.destroy();
    const { poller, executor } = application.functions;
    for (const FunctionName of [poller, executor]) {
      await expect(application.lambda.getFunction({ FunctionName })).rejects.toThrow(
        ResourceNotFoundException,
      );
    }
    for (const part of ['poller', 'executor'] as const) {
      await expect.poll(() => application.processes(part), { timeout: 30_000 }).toEqual([]);
    }
  });
});

/** @returns how what the schedule did differs from what the oracle says */
async function drainHistory(application: DeployedApplication, history: History): Promise<string> {
  const { servers } = application;
  const shift = new IdShift(history.recording, await application.lastMs());
  const recording = shift.recording(history.recording);
  await servers.load(recording);
  const expected = await runOracle(recording, servers.placement());
  await plantCacheKeys(servers.registry, expected);
  const entries = entriesOf(recording);
  await servers.add(entries);
  await application.drained();
  return application.differences(expected, entries);
}
