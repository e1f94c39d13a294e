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
import { countFailures } from './run-summaries.ts';

const SEED = 2026;
const POISON_RATE = 0.02;
const BACKLOG_ENTRIES = 20_000;
/** Each operation produces one or a few entries. */
const BACKLOG_OPERATIONS = 17_000;
const THROTTLED_OPERATIONS = 2500;
const RESERVED_CONCURRENCY = 2;

const { registryYaml } = generatedApplication();

/** Small batches, so that many concurrent invocations are needed. All other settings have their defaults. */
const options = { stackName: 'Backlog', registryYaml, values: { batchItems: 25 } };

describeDeployed('A deployed stack', options, (deployed) => {
  const backlog = lazily(() => generate(SEED + 1, BACKLOG_OPERATIONS));
  /** Computed in other databases of the same server, while the first test waits for the schedule. */
  const backlogOutcome = lazily(() =>
    runOracle(backlog().recording, { ...deployed.application.servers.targets(), databasePrefix: 'later_' }),
  );

  test(`drains with a reserved concurrency of ${RESERVED_CONCURRENCY}, and retries invocations that get a 429`, async () => {
    const { application } = deployed;
    const { executor } = application.functions;
    const reservation = { FunctionName: executor, ReservedConcurrentExecutions: RESERVED_CONCURRENCY };
    await application.lambda.putFunctionConcurrency(reservation);
    const history = generate(SEED, THROTTLED_OPERATIONS);
    const outcome = await runOracle(history.recording, application.servers.targets());
    const [differences] = await Promise.all([drainHistory(application, history, outcome), backlogOutcome()]);
    expect(differences).toBe('');
    const rejections = countFailures(await application.summaries(), 'TooManyRequestsException');
    console.log(
      `seed ${SEED}: ${history.entries.length} entries, ${rejections} invocations rejected with 429`,
    );
    expect(rejections).toBeGreaterThan(0);
    await application.lambda.deleteFunctionConcurrency({ FunctionName: executor });
  });

  test('drains a backlog of 20,000 entries', async () => {
    const history = backlog();
    expect(history.entries.length).toBeGreaterThan(BACKLOG_ENTRIES);
    expect(await drainHistory(deployed.application, history, await backlogOutcome())).toBe('');
  });

  test('is deleted by `cdk destroy`, together with all its processes', async () => {
    const { application } = deployed;
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

/** Waits for the schedule to drain a history, and returns the differences from the expected outcome as text. */
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
  await application.waitUntilDrained();
  return application.differences(expected, entries);
}

function lazily<T>(create: () => T): () => T {
  let created: { readonly value: T } | undefined;
  return () => {
    created ??= { value: create() };
    return created.value;
  };
}
