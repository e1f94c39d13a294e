import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LambdaExecutor } from '../../functions/poller/aws/lambda-executor.ts';
import { failureStageOf } from '../../functions/poller/operations/failure-stage.ts';
import { packPayload } from '../../shared/aws/payload.ts';
import { textToBinary } from '../../shared/binary-string.ts';
import { type ExecutorRequest, PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { type InvocationAnswer, startLambdaEndpoint } from '../kit/lambda-endpoint.ts';

const peek = (msLeft = 5000): ExecutorRequest => ({
  version: PROTOCOL_VERSION,
  pool: 'default',
  consumer: 'me',
  // Not an integer, because a share of a budget need not be one.
  deadline: Date.now() + msLeft + 0.5,
  operation: 'peek',
});

const batch = (...sizes: readonly number[]): ExecutorRequest => ({
  ...peek(),
  operation: 'batch',
  token: 'token',
  number: 1,
  entries: textToBinary('entries'),
  items: sizes.map((size) => ({ sql: textToBinary(randomText(size)), final: true, isUnderstood: true })),
});

/** Returns incompressible text of one-byte characters. */
function randomText(size: number): string {
  const bytes = Buffer.alloc(size);
  for (let index = 0; index < size; index += 65_536)
    crypto.getRandomValues(bytes.subarray(index, Math.min(size, index + 65_536)));
  return bytes.toString('base64').slice(0, size);
}

async function executorAnswering(answer: InvocationAnswer, concurrency = 4) {
  const endpoint = await startLambdaEndpoint(() => Promise.resolve(answer));
  const { clientConfig, counts } = endpoint;
  return { counts, executor: new LambdaExecutor({ functionName: 'sql', concurrency, clientConfig }) };
}

describe('the SQL executor behind Lambda', () => {
  test('returns the function’s reply', async () => {
    const { executor } = await executorAnswering({ result: { status: 'peeked', token: 'abc' } });
    expect(await executor.execute(peek())).toEqual({ status: 'peeked', token: 'abc' });
  });

  test('reads a compressed reply', async () => {
    const reply = { status: 'peeked', token: 'abc' };
    const packed = await packPayload({ ...reply, filling: 'x'.repeat(3 << 20) });
    const { executor } = await executorAnswering({ result: packed?.value });
    expect(await executor.execute(peek())).toEqual(reply);
  });

  test.each([
    [429, 'TooManyRequestsException'],
    [409, 'ResourceConflictException'],
    [502, 'ResourceNotReadyException'],
    [502, 'SubnetIPAddressLimitReachedException'],
  ])('reports that the function has not run after %i %s', async (status, errorName) => {
    const { executor, counts } = await executorAnswering({ status, errorName });
    expect(await executor.execute(peek())).toMatchObject({ kind: 'transient', code: errorName });
    expect(counts.requests).toBe(1);
  });

  test.each([
    [403, 'AccessDeniedException'],
    [404, 'ResourceNotFoundException'],
    [502, 'KMSAccessDeniedException'],
  ])('reports the next step after %i %s', async (status, errorName) => {
    const { executor, counts } = await executorAnswering({ status, errorName });
    const reply = await executor.execute(peek());
    expect(reply).toMatchObject({ kind: 'configuration', code: errorName, nextStep: expect.any(String) });
    expect(counts.requests).toBe(1);
  });

  test.each<[string, InvocationAnswer]>([
    ['a function error', { functionError: { errorType: 'Runtime.ExitError', errorMessage: 'exit 1' } }],
    ['status 500', { status: 500, errorName: 'ServiceException' }],
    ['a cut connection', undefined],
    ['a reply of another version', { result: { status: 'brand-new' } }],
  ])('rejects after %s, because the function may have run', async (_, answer) => {
    const { executor, counts } = await executorAnswering(answer);
    await expect(executor.execute(peek())).rejects.toThrow();
    expect(counts.requests).toBe(1);
  });

  test('rejects soon after the deadline if there is no reply', async () => {
    const endpoint = await startLambdaEndpoint(async () => {
      await sleep(5000);
      return undefined;
    });
    const executor = new LambdaExecutor({ functionName: 'sql', concurrency: 1, ...endpoint });
    const startedAt = Date.now();
    await expect(executor.execute(peek(200))).rejects.toThrow();
    expect(Date.now() - startedAt).toBeLessThan(2000);
  });

  test('reports that nothing was sent if the connection is refused', async () => {
    const clientConfig = { endpoint: 'http://127.0.0.1:9', region: 'eu-central-1', credentials };
    const executor = new LambdaExecutor({ functionName: 'sql', concurrency: 1, clientConfig });
    expect(await executor.execute(peek())).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' });
  });

  test('reports that nothing was sent if the connection times out, as without a network path to Lambda', async () => {
    const port = await openUnresponsiveServer();
    const clientConfig = { endpoint: `http://127.0.0.1:${port}`, region: 'eu-central-1', credentials };
    const executor = new LambdaExecutor({ functionName: 'sql', concurrency: 1, clientConfig });
    const reply = await executor.execute(peek());
    expect(reply).toMatchObject({ kind: 'transient', code: 'connection-timeout' });
    expect(failureStageOf(['connection-timeout'])).toBe('network-path');
  });

  test('has at most the allowed number of invocations in flight, and fewer after throttling', async () => {
    let isThrottled = true;
    const endpoint = await startLambdaEndpoint(async () => {
      await sleep(20);
      return isThrottled
        ? { status: 429, errorName: 'TooManyRequestsException' }
        : { result: { status: 'peeked', token: null } };
    });
    const executor = new LambdaExecutor({ functionName: 'sql', concurrency: 8, ...endpoint });
    const sendRequests = (count: number) =>
      Promise.all(Array.from({ length: count }, () => executor.execute(peek())));
    await sendRequests(30);
    expect(endpoint.counts.maxInFlight).toBe(8);
    isThrottled = false;
    endpoint.counts.maxInFlight = 0;
    await sendRequests(10);
    expect(endpoint.counts.maxInFlight).toBe(1);
    await sendRequests(200);
    expect(endpoint.counts.maxInFlight).toBeGreaterThan(2);
  });

  test('replies that a request is too large without sending it', async () => {
    const { executor, counts } = await executorAnswering(undefined);
    expect(await executor.execute(batch(4 << 20, 4 << 20))).toEqual({ status: 'too-large' });
    expect(await executor.execute(batch(8 << 20))).toEqual({ status: 'too-large' });
    expect(counts.requests).toBe(0);
  });
});

/** Returns a port on which connections time out, as behind a closed security group: its process is stopped. */
async function openUnresponsiveServer(): Promise<number> {
  const listen = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    () => console.log(server.address().port))`;
  const child = spawn(process.execPath, ['--eval', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const port = Number(String(line));
  child.kill('SIGSTOP');
  // The kernel itself accepts connections until the backlog is full.
  const sockets = Array.from({ length: 6 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    child.kill('SIGKILL');
  });
  await sleep(200);
  return port;
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
