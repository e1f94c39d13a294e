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
  pidOf,
  SCRIPTABLE_HANDLER,
  zip,
} from './function-under-test.ts';

describeOnLocalStack("A function's process", { isHostNeeded: true }, (context) => {
  test('is frozen between invocations', async () => {
    await createFunction(context.lambda, 'frozen-between', SCRIPTABLE_HANDLER);
    const before = await invoke(context.lambda, 'frozen-between', { sleepMs: 200 });
    await sleep(1000);
    const after = await invoke(context.lambda, 'frozen-between');
    expect(pidOf(after)).toBe(pidOf(before));
    const ticksBetween = ticksOf(after.payload) - ticksOf(before.payload);
    expect(ticksBetween).toBeLessThan(10);
  });

  test('handles one invocation at a time: eleven at once use eleven processes, all listed by childProcesses', async () => {
    await createFunction(context.lambda, 'parallel', SCRIPTABLE_HANDLER);
    const all = await Promise.all(
      Array.from({ length: 11 }, () => invoke(context.lambda, 'parallel', { sleepMs: 3000 })),
    );
    const pids = new Set(all.map(pidOf));
    expect(pids.size).toBe(11);
    expect(new Set(await context.localStack.childProcesses('parallel'))).toEqual(pids);
  });

  test('is replaced after it is killed, and the interrupted invocation fails', async () => {
    await createFunction(context.lambda, 'victim', SCRIPTABLE_HANDLER);
    const first = await invoke(context.lambda, 'victim');
    const running = invoke(context.lambda, 'victim', { sleepMs: 8000 });
    await sleep(500);
    const pids = await context.localStack.childProcesses('victim');
    expect(pids).toEqual([pidOf(first)]);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    expect(await running).toMatchObject({
      isError: true,
      payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: killed') },
    });
    const next = await invoke(context.lambda, 'victim');
    process.kill(pidOf(next), 'SIGKILL');
    await expect.poll(() => context.localStack.childProcesses('victim')).toEqual([]);
    expect(await invoke(context.lambda, 'victim')).toMatchObject({
      isError: false,
      payload: { invocations: 1 },
    });
  });

  test('finishes its invocation with the old code while the function is updated', async () => {
    await createFunction(context.lambda, 'updated', SCRIPTABLE_HANDLER);
    await invoke(context.lambda, 'updated');
    const running = invoke(context.lambda, 'updated', { sleepMs: 3000 });
    await sleep(300);
    await context.lambda.updateFunctionCode({
      FunctionName: 'updated',
      ZipFile: zip('export const handler = async () => "new";'),
    });
    await expect.poll(() => invoke(context.lambda, 'updated')).toEqual({ isError: false, payload: 'new' });
    expect(await running).toMatchObject({ isError: false, payload: { invocations: 2 } });
    await expect.poll(() => context.localStack.childProcesses('updated')).toHaveLength(1);
  });

  test('ends when LocalStack is stopped, whether it is busy or frozen', async () => {
    const localStack = await startLocalStack({ onProgress: () => {} });
    const lambda = lambdaClient(localStack);
    const pids = [await frozenProcess(lambda), await busyProcess(lambda, localStack)];
    const { pid } = localStack;
    await localStack.stop();
    await localStack.stop();
    await expectEnded([pid ?? 0, ...pids]);
    expect(existsSync(localStack.directory)).toBe(false);
  });

  test('ends when LocalStack is killed', async () => {
    const localStack = await startLocalStack({ onProgress: () => {} });
    onTestFinished(() => localStack.stop());
    const lambda = lambdaClient(localStack);
    const pids = [await frozenProcess(lambda), await busyProcess(lambda, localStack)];
    process.kill(localStack.pid ?? 0, 'SIGKILL');
    await expectEnded(pids);
  });

  test('ends when the program that started LocalStack is killed', async () => {
    const program = spawn(process.execPath, [`${import.meta.dirname}/start-localstack-and-wait.ts`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(program.stdout), 'line');
    const { pids, directory } = z
      .object({ pids: z.array(z.int()).length(3), directory: z.string() })
      .parse(JSON.parse(line));
    program.kill('SIGKILL');
    await expectEnded(pids);
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
  });
});

async function expectEnded(pids: readonly number[]): Promise<void> {
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
