import { ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { plantCacheKeys } from '../../kit/cache-keys.ts';
import { type History, seededHistory } from '../../kit/generate/history.ts';
import { generatedApplication } from '../../kit/generate/schema.ts';
import { entriesOf } from '../../kit/recorded-entries.ts';
import { runOracle } from '../../kit/run-oracle.ts';
import type { Outcome } from '../../oracle/outcome.ts';
import type { DeployedApplication } from './deployed-application.ts';
import { describeDeployed } from './describe-deployed.ts';
import { IdShift } from './id-shift.ts';
import { failures } from './run-summaries.ts';

const SEED = 2026;
const POISON_RATE = 0.02;
const BACKLOG_ENTRIES = 20_000;
/** An operation is one entry or a few. */
const BACKLOG_OPERATIONS = 17_000;
const THROTTLED_OPERATIONS = 2500;
const RESERVED = 2;

const { registryYaml } = generatedApplication();

/** Batches of few statements, so that many invocations are wanted at once; all else is default. */
const options = { stackName: 'Backlog', registryYaml, values: { batchItems: 25 } };

describeDeployed('A deployed stack', options, (place) => {
  const backlog = lazily(() => generate(SEED + 1, BACKLOG_OPERATIONS));
  /** Applied serially beside the tables that are drained into, while there is time: until the schedule's first run. */
  const backlogOutcome = lazily(() =>
    runOracle(backlog().recording, { ...place.application.servers.targets(), databasePrefix: 'later_' }),
  );

  test(`drains while its executor is reserved to ${RESERVED}, and takes each 429 for what it is`, async () => {
    const { application } = place;
    const { executor } = application.functions;
    const reserved = { FunctionName: executor, ReservedConcurrentExecutions: RESERVED };
    await application.lambda.putFunctionConcurrency(reserved);
    const history = generate(SEED, THROTTLED_OPERATIONS);
    const outcome = await runOracle(history.recording, application.servers.targets());
    const [differences] = await Promise.all([drainHistory(application, history, outcome), backlogOutcome()]);
    expect(differences).toBe('');
    const refusals = failures(await application.summaries(), 'TooManyRequestsException');
    console.log(`seed ${SEED}: ${history.entries.length} entries, ${refusals} invocations refused with 429`);
    expect(refusals).toBeGreaterThan(0);
    await application.lambda.deleteFunctionConcurrency({ FunctionName: executor });
  });

  test('drains a backlog of 20,000 entries', async () => {
    const history = backlog();
    expect(history.entries.length).toBeGreaterThan(BACKLOG_ENTRIES);
    expect(await drainHistory(place.application, history, await backlogOutcome())).toBe('');
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
    for (const part of ['poller', 'executor'] as const)
      await expect.poll(() => application.processes(part), { timeout: 30_000 }).toEqual([]);
  });
});

function generate(seed: number, operations: number): History {
  return seededHistory(seed, operations, { ordering: 'entity', poisonRate: POISON_RATE });
}

/** @returns how what the schedule did differs from the outcome */
async function drainHistory(
  application: DeployedApplication,
  history: History,
  outcome: Outcome,
): Promise<string> {
  const { servers } = application;
  const shift = new IdShift(history.recording, await application.lastMs());
  const recording = shift.recording(history.recording);
  const expected = shift.outcome(outcome);
  await servers.load(recording);
  await plantCacheKeys(servers.registry, expected);
  const entries = entriesOf(recording);
  await servers.add(entries);
  await application.drained();
  return application.differences(expected, entries);
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
