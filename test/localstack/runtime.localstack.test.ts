import { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import { RequestTooLargeException, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { beforeAll, expect, test } from 'vitest';
import type { LocalStack } from '../../infra/localstack/localstack.ts';
import { describeOnLocalStack } from './describe-on-localstack.ts';
import { createFunction, invoke, pidOf, SCRIPTABLE_HANDLER } from './function-under-test.ts';

describeOnLocalStack('A function on LocalStack', { isHostNeeded: false }, (context) => {
  beforeAll(() => createFunction(context.lambda, 'scriptable', SCRIPTABLE_HANDLER));

  test('replies, receives its context, and keeps its process between invocations', async () => {
    const first = await invoke(context.lambda, 'scriptable');
    expect(first).toMatchObject({
      isError: false,
      payload: { functionName: 'scriptable', memoryLimitInMB: '128' },
    });
    const second = await invoke(context.lambda, 'scriptable');
    expect(pidOf(second)).toBe(pidOf(first));
    expect(second.payload).toMatchObject({ invocations: 2 });
    expect(second.payload).toHaveProperty(
      'remainingMs',
      expect.toSatisfy((ms) => ms > 9000 && ms <= 10_000),
    );
  });

  test('can be a CommonJS module', async () => {
    const code = 'exports.handler = async () => "CommonJS";';
    await createFunction(context.lambda, 'commonjs', code, { file: 'index.js' });
    expect(await invoke(context.lambda, 'commonjs')).toEqual({ isError: false, payload: 'CommonJS' });
  });

  test('that throws returns an error with type and message, and keeps its process', async () => {
    const before = await invoke(context.lambda, 'scriptable');
    const failed = await invoke(context.lambda, 'scriptable', { fail: 'on request' });
    expect(failed).toMatchObject({
      isError: true,
      payload: { errorType: 'TypeError', errorMessage: 'on request' },
    });
    expect(pidOf(await invoke(context.lambda, 'scriptable'))).toBe(pidOf(before));
  });

  test('that exceeds its timeout is killed, and the next invocation gets a new process', async () => {
    await createFunction(context.lambda, 'slow', SCRIPTABLE_HANDLER, { timeoutSeconds: 1 });
    const before = await invoke(context.lambda, 'slow');
    const startedAt = performance.now();
    const failed = await invoke(context.lambda, 'slow', { sleepMs: 5000 });
    expect(performance.now() - startedAt).toBeLessThan(2500);
    expect(failed).toMatchObject({
      isError: true,
      payload: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('timed out after 1.00 s'),
      },
    });
    const after = await invoke(context.lambda, 'slow');
    expect(after.payload).toMatchObject({ invocations: 1 });
    expect(pidOf(after)).not.toBe(pidOf(before));
  });

  test.each([
    ['exits', { exit: 3 }, 'exit status 3'],
    ['exits without an error', { exit: 0 }, 'without providing a reason'],
    ['leaves a rejection unhandled', { reject: 'unhandled', sleepMs: 1000 }, 'exit status 1'],
  ])('that %s returns an error, and the next invocation gets a new process', async (_, event, message) => {
    expect(await invoke(context.lambda, 'scriptable', event)).toMatchObject({
      isError: true,
      payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining(message) },
    });
    expect(await invoke(context.lambda, 'scriptable')).toMatchObject({
      isError: false,
      payload: { invocations: 1 },
    });
  });

  test.each([
    ['throws', 'throw new RangeError("at the start");', 'RangeError'],
    ['exits', 'process.exit(1);', 'Runtime.ExitError'],
    ['has no handler', 'export const another = 1;', 'Runtime.HandlerNotFound'],
  ])('whose module %s returns an error each time', async (title, code, errorType) => {
    const name = `module-${title.replaceAll(' ', '-')}`;
    await createFunction(context.lambda, name, code);
    for (let attempt = 1; attempt <= 2; attempt += 1)
      expect(await invoke(context.lambda, name)).toMatchObject({ isError: true, payload: { errorType } });
  });

  test('writes its output to CloudWatch Logs, between START, END and REPORT', async () => {
    await createFunction(context.lambda, 'logging', `console.log('at the start');${SCRIPTABLE_HANDLER}`);
    await invoke(context.lambda, 'logging', { say: 'hello' });
    await expect
      .poll(() => logMessages(context.localStack, '/aws/lambda/logging'), { timeout: 10_000 })
      .toEqual([
        expect.stringMatching(/INFO\tat the start$/),
        expect.stringMatching(/^START RequestId: [-\da-f]{36} Version: \$LATEST$/),
        expect.stringMatching(/\t[-\da-f]{36}\tINFO\thello$/),
        expect.stringMatching(/^END RequestId: /),
        expect.stringMatching(/^REPORT RequestId: .*\tDuration: [\d.]+ ms\t.*Init Duration: [\d.]+ ms$/),
      ]);
  });

  test('limits requests and responses to 6 MB', async () => {
    const fits = { padding: 'x'.repeat(5_500_000), answerBytes: 5_500_000 };
    expect(await invoke(context.lambda, 'scriptable', fits)).toMatchObject({ isError: false });
    const tooLarge = { padding: 'x'.repeat(6_300_000) };
    await expect(invoke(context.lambda, 'scriptable', tooLarge)).rejects.toThrow(RequestTooLargeException);
    expect(await invoke(context.lambda, 'scriptable', { answerBytes: 6_300_000 })).toMatchObject({
      isError: true,
      payload: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('runs as many concurrent invocations as are reserved, and rejects others with 429', async () => {
    await createFunction(context.lambda, 'reserved', SCRIPTABLE_HANDLER);
    await context.lambda.putFunctionConcurrency({
      FunctionName: 'reserved',
      ReservedConcurrentExecutions: 2,
    });
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => invoke(context.lambda, 'reserved', { sleepMs: 3000 })),
    );
    const rejections = all.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(rejections).toHaveLength(3);
    for (const rejection of rejections) {
      expect(rejection).toBeInstanceOf(TooManyRequestsException);
      expect(rejection).toMatchObject({
        $metadata: { httpStatusCode: 429 },
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      });
    }
  });
});

async function logMessages(localStack: LocalStack, logGroupName: string): Promise<string[]> {
  const logs = new CloudWatchLogs({
    endpoint: localStack.endpoint,
    region: localStack.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  try {
    const { events = [] } = await logs.filterLogEvents({ logGroupName });
    return events.map(({ message = '' }) => message.trimEnd());
  } catch {
    // The log group is created with the first lines.
    return [];
  }
}
