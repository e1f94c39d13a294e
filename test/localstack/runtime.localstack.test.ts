import { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import { RequestTooLargeException, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { beforeAll, expect, test } from 'vitest';
import type { LocalStack } from '../../infra/localstack/localstack.ts';
import { describeOnLocalStack } from './describe-on-localstack.ts';
import { createFunction, invoke, OBEDIENT, pidOf } from './function-under-test.ts';

describeOnLocalStack('A function on LocalStack', { isHostNeeded: false }, (place) => {
  beforeAll(() => createFunction(place.lambda, 'obedient', OBEDIENT));

  test('answers, knows its context, and keeps its process from one invocation to the next', async () => {
    const first = await invoke(place.lambda, 'obedient');
    expect(first).toMatchObject({
      isError: false,
      payload: { functionName: 'obedient', memoryLimitInMB: '128' },
    });
    const second = await invoke(place.lambda, 'obedient');
    expect(pidOf(second)).toBe(pidOf(first));
    expect(second.payload).toMatchObject({ invocations: 2 });
    expect(second.payload).toHaveProperty(
      'remainingMs',
      expect.toSatisfy((ms) => ms > 9000 && ms <= 10_000),
    );
  });

  test('may be a CommonJS module', async () => {
    const code = 'exports.handler = async () => "CommonJS";';
    await createFunction(place.lambda, 'commonjs', code, { file: 'index.js' });
    expect(await invoke(place.lambda, 'commonjs')).toEqual({ isError: false, payload: 'CommonJS' });
  });

  test('that throws is an error with type and message, and stays in its process', async () => {
    const before = await invoke(place.lambda, 'obedient');
    const failed = await invoke(place.lambda, 'obedient', { fail: 'as told' });
    expect(failed).toMatchObject({
      isError: true,
      payload: { errorType: 'TypeError', errorMessage: 'as told' },
    });
    expect(pidOf(await invoke(place.lambda, 'obedient'))).toBe(pidOf(before));
  });

  test('that takes too long is ended, and its successor has a new process', async () => {
    await createFunction(place.lambda, 'slow', OBEDIENT, { timeoutSeconds: 1 });
    const before = await invoke(place.lambda, 'slow');
    const startedAt = performance.now();
    const failed = await invoke(place.lambda, 'slow', { sleepMs: 5000 });
    expect(performance.now() - startedAt).toBeLessThan(2500);
    expect(failed).toMatchObject({
      isError: true,
      payload: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('timed out after 1.00 s'),
      },
    });
    const after = await invoke(place.lambda, 'slow');
    expect(after.payload).toMatchObject({ invocations: 1 });
    expect(pidOf(after)).not.toBe(pidOf(before));
  });

  test.each([
    ['exits', { exit: 3 }, 'exit status 3'],
    ['exits without an error', { exit: 0 }, 'without providing a reason'],
    ['leaves a rejection unhandled', { reject: 'nobody cares', sleepMs: 1000 }, 'exit status 1'],
  ])('that %s is an error, and its successor has a new process', async (_, event, message) => {
    expect(await invoke(place.lambda, 'obedient', event)).toMatchObject({
      isError: true,
      payload: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining(message) },
    });
    expect(await invoke(place.lambda, 'obedient')).toMatchObject({
      isError: false,
      payload: { invocations: 1 },
    });
  });

  test.each([
    ['throws', 'throw new RangeError("at the start");', 'RangeError'],
    ['exits', 'process.exit(1);', 'Runtime.ExitError'],
    ['has no handler', 'export const another = 1;', 'Runtime.HandlerNotFound'],
  ])('whose module %s is an error each time', async (title, code, errorType) => {
    const name = `module-${title.replaceAll(' ', '-')}`;
    await createFunction(place.lambda, name, code);
    for (let attempt = 1; attempt <= 2; attempt += 1)
      expect(await invoke(place.lambda, name)).toMatchObject({ isError: true, payload: { errorType } });
  });

  test('leaves its words in CloudWatch Logs, between START, END and REPORT', async () => {
    await createFunction(place.lambda, 'talkative', `console.log('at the start');${OBEDIENT}`);
    await invoke(place.lambda, 'talkative', { say: 'hello' });
    await expect
      .poll(() => logMessages(place.localStack, '/aws/lambda/talkative'), { timeout: 10_000 })
      .toEqual([
        expect.stringMatching(/INFO\tat the start$/),
        expect.stringMatching(/^START RequestId: [-\da-f]{36} Version: \$LATEST$/),
        expect.stringMatching(/\t[-\da-f]{36}\tINFO\thello$/),
        expect.stringMatching(/^END RequestId: /),
        expect.stringMatching(/^REPORT RequestId: .*\tDuration: [\d.]+ ms\t.*Init Duration: [\d.]+ ms$/),
      ]);
  });

  test('takes 6 MB and gives 6 MB, and no more', async () => {
    const fits = { padding: 'x'.repeat(5_500_000), answerBytes: 5_500_000 };
    expect(await invoke(place.lambda, 'obedient', fits)).toMatchObject({ isError: false });
    const tooLarge = { padding: 'x'.repeat(6_300_000) };
    await expect(invoke(place.lambda, 'obedient', tooLarge)).rejects.toThrow(RequestTooLargeException);
    expect(await invoke(place.lambda, 'obedient', { answerBytes: 6_300_000 })).toMatchObject({
      isError: true,
      payload: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('runs as often at once as it is reserved for; what is more gets a 429', async () => {
    await createFunction(place.lambda, 'reserved', OBEDIENT);
    await place.lambda.putFunctionConcurrency({ FunctionName: 'reserved', ReservedConcurrentExecutions: 2 });
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => invoke(place.lambda, 'reserved', { sleepMs: 3000 })),
    );
    const refusals = all.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refusals).toHaveLength(3);
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(TooManyRequestsException);
      expect(refusal).toMatchObject({
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
    // The group comes with the first lines.
    return [];
  }
}
