import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { plantKeysOfLaterIds } from '../../chaos/later-ids.ts';
import { plantCacheKeys } from '../../kit/cache-keys.ts';
import { type History, seededHistory } from '../../kit/generate/history.ts';
import { generatedApplication } from '../../kit/generate/schema.ts';
import { runOracle } from '../../kit/run-oracle.ts';
import type { Outcome } from '../../oracle/outcome.ts';
import { describeDeployed } from './describe-deployed.ts';
import { Feed } from './feed.ts';
import { Overlap } from './overlap.ts';
import { countFailures } from './run-summaries.ts';

const SEED = 2028;
const POISON_RATE = 0.05;
const OPERATIONS = 9000;
const EXECUTOR_KILLS = 4;
const MAX_ATTEMPTS = 5;

/** Small batches, so that faults hit a run halfway; short timeouts; and little time between two runs. */
const DEPLOYMENT_VALUES = {
  tail: true,
  budgetSeconds: 50,
  pollerTimeoutSeconds: 55,
  executorTimeoutSeconds: 10,
  lazyConcurrency: 6,
  batchItems: 20,
};
const { registryYaml } = generatedApplication();
const options = {
  stackName: 'Faults',
  registryYaml,
  values: DEPLOYMENT_VALUES,
  isHostNeeded: true,
};

/** The tests drain one history in portions. The last test compares the outcome. */
describeDeployed('A deployed stack under faults', options, (deployed) => {
  let history: History | undefined;
  let expected: Outcome | undefined;
  let feed: Feed | undefined;

  /** Adds entries, and sends a signal to processes while they are busy with them. */
  const signalBusy = async (role: 'poller' | 'executor', signal: NodeJS.Signals): Promise<void> => {
    let signaled = 0;
    while (signaled === 0) {
      await feed?.addBurst();
      signaled = await deployed.application.signalBusyProcesses(role, signal);
    }
  };

  const hasLogged = async (role: 'poller' | 'executor', pattern: RegExp): Promise<boolean> =>
    (await deployed.application.log(role)).some((line) => pattern.test(line));

  const failedInvocations = async (): Promise<number> =>
    countFailures(await deployed.application.summaries(), 'FunctionFailedError');

  beforeAll(async () => {
    const { servers } = deployed.application;
    history = seededHistory(SEED, OPERATIONS, { ordering: 'entity', poisonRate: POISON_RATE });
    await servers.load(history.recording);
    expected = await runOracle(history.recording, servers.targets());
    await plantCacheKeys(servers.registry, expected);
    await plantKeysOfLaterIds(servers.registry, expected);
    feed = new Feed(servers, history.entries);
  });

  test('continues after executors are killed', async () => {
    for (let kills = 1; kills <= EXECUTOR_KILLS; kills += 1) await signalBusy('executor', 'SIGKILL');
    await deployed.application.waitUntilDrained();
    await expect.poll(() => hasLogged('executor', /signal: killed/)).toBe(true);
    // The poller logs the failures at the end of its run, so a later fault must not end this run first.
    await expect
      .poll(failedInvocations, { timeout: DEPLOYMENT_VALUES.pollerTimeoutSeconds * 1000 })
      .toBeGreaterThan(0);
  });

  test('continues after an executor hangs until its timeout', async () => {
    for (let attempt = 1; !(await hasLogged('executor', /timed out/)); attempt += 1) {
      expect(attempt).toBeLessThanOrEqual(MAX_ATTEMPTS);
      await signalBusy('executor', 'SIGSTOP');
      await deployed.application.waitUntilDrained();
    }
  });

  test.each(['redis', 'mysql'] as const)('continues after %s crashes and restarts', async (name) => {
    const server = deployed.application.servers[name];
    await signalBusy('poller', 'SIGCONT');
    await server.kill();
    await sleep(1000);
    await server.restart();
    await deployed.application.waitUntilDrained();
  });

  test('continues after its poller is killed', async () => {
    await signalBusy('poller', 'SIGKILL');
    await deployed.application.waitUntilDrained();
    expect(await hasLogged('poller', /signal: killed/)).toBe(true);
  });

  test('continues after a poller hangs until its lock has expired and its timeout has passed', async () => {
    await signalBusy('poller', 'SIGSTOP');
    await deployed.application.waitUntilDrained();
    await expect.poll(() => hasLogged('poller', /timed out/), { timeout: 60_000 }).toBe(true);
  });

  test('continues during a redeployment with other settings, when an old poller uses a new executor', async () => {
    const { application } = deployed;
    let overlap: Overlap | undefined;
    for (let deploys = 1; overlap?.isSeen !== true; deploys += 1) {
      expect(deploys).toBeLessThanOrEqual(MAX_ATTEMPTS);
      await signalBusy('poller', 'SIGCONT');
      overlap = new Overlap(application);
      const lazyConcurrency = String(DEPLOYMENT_VALUES.lazyConcurrency + deploys);
      const deployment = application.redeploy({
        executorMemoryMb: String(512 + 64 * deploys),
        lazyConcurrency,
      });
      await Promise.all([deployment, feed?.keepAdding(deployment), overlap.watch(deployment)]);
    }
  });

  test('has applied every entry exactly once at the end', async () => {
    await feed?.addRemaining();
    await deployed.application.waitUntilDrained();
    const { entries = [] } = history ?? {};
    console.log(`seed ${SEED}: ${entries.length} entries, ${await failedInvocations()} failed invocations`);
    if (expected === undefined) throw new Error('there is no expected outcome');
    expect(await deployed.application.differences(expected, entries)).toBe('');
  });
});
