import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { LambdaHandler } from '../../functions/poller/aws/lambda-handler.ts';

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: unknown;
}

/** A handler with the real AWS client, and a server that speaks Lambda's invocation protocol. */
async function openHandler(
  answer: Answer | 'never',
  inspect: (request: IncomingMessage) => void = () => undefined,
) {
  const requests: { url: string | undefined; event: unknown }[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    inspect(request);
    requests.push({ url: request.url, event: await text(request).then((body) => body && JSON.parse(body)) });
    if (answer === 'never') return;
    response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body));
  };
  const server = createServer((request, response) => void respond(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const handler = new LambdaHandler({
    functionName: 'mailer',
    concurrency: 1,
    clientConfig: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    },
  });
  onTestFinished(() => {
    handler.close();
    server.closeAllConnections();
    server.close();
  });
  return { handler, requests, close: () => server.close() };
}

const event = { Records: [] };
const timeout = () => AbortSignal.timeout(5000);

test('the handler invokes the function by name with the event, and returns its reply', async () => {
  const reply = { batchItemFailures: [{ itemIdentifier: '1-1' }] };
  const { handler, requests } = await openHandler({ status: 200, body: reply });
  expect(await handler.invoke(event, timeout())).toEqual({ kind: 'answered', reply });
  expect(requests).toEqual([{ url: '/2015-03-31/functions/mailer/invocations', event }]);
});

test('a function that throws or times out has failed, and its own error message goes into the dead letter', async () => {
  const { handler } = await openHandler({
    status: 200,
    headers: { 'x-amz-function-error': 'Unhandled' },
    body: { errorType: 'TypeError', errorMessage: 'no mail server' },
  });
  expect(await handler.invoke(event, timeout())).toEqual({
    kind: 'failed',
    failure: { code: 'handler-failed', message: 'TypeError: no mail server' },
  });
});

test.each([
  [429, 'TooManyRequestsException'],
  [404, 'ResourceNotFoundException'],
  [403, 'AccessDeniedException'],
  [500, 'ServiceException'],
])('a function that Lambda does not run (%i) is unavailable', async (status, code) => {
  const { handler } = await openHandler({ status, headers: { 'x-amzn-errortype': code }, body: {} });
  expect(await handler.invoke(event, timeout())).toMatchObject({ kind: 'unavailable', failure: { code } });
});

test('a probe does not run the function', async () => {
  const { handler, requests } = await openHandler({ status: 204, body: {} }, (request) => {
    expect(request.headers['x-amz-invocation-type']).toBe('DryRun');
  });
  expect(await handler.probe()).toBeUndefined();
  expect(requests).toHaveLength(1);
});

test('a probe without permission to invoke the function fails at the stage permission', async () => {
  const { handler } = await openHandler({
    status: 403,
    headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    body: {},
  });
  expect(await handler.probe()).toMatchObject({ stage: 'permission', code: 'AccessDeniedException' });
});

test('a function is unavailable if its endpoint accepts no connections', async () => {
  const { handler, close } = await openHandler('never');
  close();
  expect(await handler.invoke(event, timeout())).toMatchObject({ kind: 'unavailable' });
});

test('entries that are too large for an invocation have failed', async () => {
  const { handler } = await openHandler({
    status: 413,
    headers: { 'x-amzn-errortype': 'RequestTooLargeException' },
    body: {},
  });
  expect(await handler.invoke(event, timeout())).toMatchObject({
    kind: 'failed',
    failure: { code: 'RequestTooLargeException' },
  });
});

test('an invocation ends when its signal aborts', async () => {
  const { handler } = await openHandler('never');
  const startedAt = Date.now();
  expect(await handler.invoke(event, AbortSignal.timeout(100))).toMatchObject({ kind: 'unavailable' });
  expect(Date.now() - startedAt).toBeLessThan(2000);
});
