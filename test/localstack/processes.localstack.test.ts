import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { startLocalStack } from '../../infra/localstack/localstack.ts';
import { describeOnLocalStack } from './describe-on-localstack.ts';
import {
  busyProcess,
  createFunction,
  frozenProcess,
  invoke,
  lambdaClient,
  OBEDIENT,
  pidOf,
  zip,
} from './function-under-test.ts';

describeOnLocalStack("A function's process", { isHostNeeded: true }, (place) => {
  test('stands still between its invocations', async () => {
    await createFunction(place.lambda, 'still', OBEDIENT);
    const before = await invoke(place.lambda, 'still', { sleepMs: 200 });
    await sleep(1000);
    const after = await invoke(place.lambda, 'still');
    expect(pidOf(after)).toBe(pidOf(before));
    const ticksPassed = ticksOf(after.payload) - ticksOf(before.payload);
    expect(ticksPassed).toBeLessThan(10);
  });

  test('runs eleven times at once, in eleven processes, which childProcesses names', async () => {
    await createFunction(place.lambda, 'parallel', OBEDIENT);
    const all = await Promise.all(
      Array.from({ length: 11 }, () => invoke(place.lambda, 'parallel', { sleepMs: 3000 })),
    );
    const pids = new Set(all.map(pidOf));
    expect(pids.size).toBe(11);
    expect(new Set(await place.localStack.childProcesses('parallel'))).toEqual(pids);
  });

  test('whose process is killed is an error, and its successor has a new one', async () => {
    await createFunction(place.lambda, 'victim', OBEDIENT);
    const first = await invoke(place.lambda, 'victim');
    const running = invoke(place.lambda, 'victim', { sleepMs: 8000 });
    await sleep(500);
    const pids = await place.localStack.childProcesses('victim');
    expect(pids).toEqual([pidOf(first)]);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(await running).toMatchObject({
      isError: true,
      payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: killed') },
    });
    const next = await invoke(place.lambda, 'victim');
    process.kill(pidOf(next), 'SIGKILL');
    await expect.poll(() => place.localStack.childProcesses('victim')).toEqual([]);
    expect(await invoke(place.lambda, 'victim')).toMatchObject({
      isError: false,
      payload: { invocations: 1 },
    });
  });

  test('that is updated meanwhile finishes its invocation on the old code', async () => {
    await createFunction(place.lambda, 'updated', OBEDIENT);
    await invoke(place.lambda, 'updated');
    const running = invoke(place.lambda, 'updated', { sleepMs: 3000 });
    await sleep(300);
    await place.lambda.updateFunctionCode({
      FunctionName: 'updated',
      ZipFile: zip('export const handler = async () => "new";'),
    });
    await expect.poll(() => invoke(place.lambda, 'updated')).toEqual({ isError: false, payload: 'new' });
    expect(await running).toMatchObject({ isError: false, payload: { invocations: 2 } });
    await expect.poll(() => place.localStack.childProcesses('updated')).toHaveLength(1);
  });

  test('ends with LocalStack, busy or frozen, when it is stopped', async () => {
    const localStack = await startLocalStack({ onProgress: () => {} });
    const lambda = lambdaClient(localStack);
    const pids = [await frozenProcess(lambda), await busyProcess(lambda, localStack)];
    const { pid } = localStack;
    await localStack.stop();
    await localStack.stop();
    await expectGone([pid ?? 0, ...pids]);
    expect(existsSync(localStack.directory)).toBe(false);
  });

  test('ends with LocalStack when that is killed', async () => {
    const localStack = await startLocalStack({ onProgress: () => {} });
    onTestFinished(() => localStack.stop());
    const lambda = lambdaClient(localStack);
    const pids = [await frozenProcess(lambda), await busyProcess(lambda, localStack)];
    process.kill(localStack.pid ?? 0, 'SIGKILL');
    await expectGone(pids);
  });

  test('ends with the program that started LocalStack when that is killed', async () => {
    const program = spawn(process.execPath, [`${import.meta.dirname}/start-localstack-and-wait.ts`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(program.stdout), 'line');
    const { pids, directory } = z
      .object({ pids: z.array(z.int()).length(3), directory: z.string() })
      .parse(JSON.parse(line));
    program.kill('SIGKILL');
    await expectGone(pids);
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
  });
});

async function expectGone(pids: readonly number[]): Promise<void> {
  await expect.poll(() => pids.filter(isRunning), { timeout: 10_000 }).toEqual([]);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function ticksOf(payload: unknown): number {
  return typeof payload === 'object' && payload !== null && 'ticks' in payload
    ? Number(payload.ticks)
    : Number.NaN;
}
