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
import { failures } from './run-summaries.ts';

const SEED = 2028;
const POISON_RATE = 0.05;
const OPERATIONS = 9000;
const EXECUTORS_KILLED = 4;
const MAX_ATTEMPTS = 5;

/** Small batches, so that there is a middle; short timeouts; and runs that leave little time between them. */
const values = {
  ...{ tail: true, budgetSeconds: 50, pollerTimeoutSeconds: 55, executorTimeoutSeconds: 10 },
  ...{ lazyConcurrency: 6, batchItems: 20 },
};
const application = generatedApplication();
const options = { stackName: 'Troubles', registryYaml: application.registryYaml, values, isHostNeeded: true };

/** One history, part by part; what it came to is compared at the end. */
describeDeployed('A deployed stack in trouble', options, (place) => {
  let history: History | undefined;
  let expected: Outcome | undefined;
  let feed: Feed | undefined;

  /** Gives the stack something to do, and sends a signal to processes that are at it. */
  const strike = async (part: 'poller' | 'executor', signal: NodeJS.Signals): Promise<void> => {
    let struck = 0;
    while (struck === 0) {
      await feed?.add();
      struck = await place.application.strike(part, signal);
    }
  };

  const logged = async (part: 'poller' | 'executor', words: RegExp): Promise<boolean> =>
    (await place.application.log(part)).some((line) => words.test(line));

  beforeAll(async () => {
    const { servers } = place.application;
    history = seededHistory(SEED, OPERATIONS, { ordering: 'entity', poisonRate: POISON_RATE });
    await servers.load(history.recording);
    expected = await runOracle(history.recording, servers.targets());
    await plantCacheKeys(servers.registry, expected);
    await plantKeysOfLaterIds(servers.registry, expected);
    feed = new Feed(servers, history.entries);
  });

  test('goes on when executors are killed', async () => {
    for (let times = 1; times <= EXECUTORS_KILLED; times += 1) await strike('executor', 'SIGKILL');
    await place.application.drained();
    await expect.poll(() => logged('executor', /signal: killed/)).toBe(true);
  });

  test('goes on when an executor hangs until its timeout', async () => {
    for (let attempt = 1; !(await logged('executor', /timed out/)); attempt += 1) {
      expect(attempt).toBeLessThanOrEqual(MAX_ATTEMPTS);
      await strike('executor', 'SIGSTOP');
      await place.application.drained();
    }
  });

  test.each(['redis', 'mysql'] as const)('goes on when %s crashes and comes back', async (name) => {
    const server = place.application.servers[name];
    await strike('poller', 'SIGCONT');
    await server.kill();
    await sleep(1000);
    await server.restart();
    await place.application.drained();
  });

  test('goes on when its poller is killed', async () => {
    await strike('poller', 'SIGKILL');
    await place.application.drained();
    expect(await logged('poller', /signal: killed/)).toBe(true);
  });

  test('goes on when a poller stands still past its lock and its timeout', async () => {
    await strike('poller', 'SIGSTOP');
    await place.application.drained();
    await expect.poll(() => logged('poller', /timed out/), { timeout: 60_000 }).toBe(true);
  });

  test('goes on while it is deployed anew with other settings, an old poller with a new executor', async () => {
    const { application } = place;
    let overlap: Overlap | undefined;
    for (let deploys = 1; overlap?.isSeen !== true; deploys += 1) {
      expect(deploys).toBeLessThanOrEqual(MAX_ATTEMPTS);
      await strike('poller', 'SIGCONT');
      overlap = new Overlap(application);
      const lazyConcurrency = String(values.lazyConcurrency + deploys);
      const deploy = application.redeploy({ executorMemoryMb: String(512 + 64 * deploys), lazyConcurrency });
      await Promise.all([deploy, feed?.keepAdding(deploy), overlap.watch(deploy)]);
    }
  });

  test('has done everything once in the end', async () => {
    await feed?.addRest();
    await place.application.drained();
    const summaries = await place.application.summaries();
    const failed = failures(summaries, 'FunctionFailedError');
    const { entries = [] } = history ?? {};
    console.log(
      `seed ${SEED}: ${entries.length} entries, ${failed} failed invocations in ${summaries.length} runs`,
    );
    expect(failed).toBeGreaterThan(0);
    if (expected === undefined) throw new Error('there is no outcome to compare with');
    expect(await place.application.differences(expected, entries)).toBe('');
  });
});
