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

/** A server that speaks Lambda's protocol for invocations: the client is the real one. */
async function openHandler(
  answer: Answer | 'never',
  look: (request: IncomingMessage) => void = () => undefined,
) {
  const requests: { url: string | undefined; event: unknown }[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    look(request);
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
const patience = () => AbortSignal.timeout(5000);

test('A function is invoked by its name with the event, and its reply is the answer.', async () => {
  const reply = { batchItemFailures: [{ itemIdentifier: '1-1' }] };
  const { handler, requests } = await openHandler({ status: 200, body: reply });
  expect(await handler.invoke(event, patience())).toEqual({ kind: 'answered', reply });
  expect(requests).toEqual([{ url: '/2015-03-31/functions/mailer/invocations', event }]);
});

test('A function that threw or was timed out has failed, with its own words for the dead letter.', async () => {
  const { handler } = await openHandler({
    status: 200,
    headers: { 'x-amz-function-error': 'Unhandled' },
    body: { errorType: 'TypeError', errorMessage: 'no mail server' },
  });
  expect(await handler.invoke(event, patience())).toEqual({
    kind: 'failed',
    failure: { code: 'handler-failed', message: 'TypeError: no mail server' },
  });
});

test.each([
  [429, 'TooManyRequestsException'],
  [404, 'ResourceNotFoundException'],
  [403, 'AccessDeniedException'],
  [500, 'ServiceException'],
])('A function that Lambda does not run (%i) is unavailable.', async (status, code) => {
  const { handler } = await openHandler({ status, headers: { 'x-amzn-errortype': code }, body: {} });
  expect(await handler.invoke(event, patience())).toMatchObject({ kind: 'unavailable', failure: { code } });
});

test('A function is probed without being run.', async () => {
  const { handler, requests } = await openHandler({ status: 204, body: {} }, (request) => {
    expect(request.headers['x-amz-invocation-type']).toBe('DryRun');
  });
  expect(await handler.probe()).toBeUndefined();
  expect(requests).toHaveLength(1);
});

test('A function that may not be invoked fails its probe at the permission.', async () => {
  const { handler } = await openHandler({
    status: 403,
    headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    body: {},
  });
  expect(await handler.probe()).toMatchObject({ stage: 'permission', code: 'AccessDeniedException' });
});

test('A Lambda that nobody answers for is unavailable.', async () => {
  const { handler, close } = await openHandler('never');
  close();
  expect(await handler.invoke(event, patience())).toMatchObject({ kind: 'unavailable' });
});

test('Entries that are too long for an invocation have failed.', async () => {
  const { handler } = await openHandler({
    status: 413,
    headers: { 'x-amzn-errortype': 'RequestTooLargeException' },
    body: {},
  });
  expect(await handler.invoke(event, patience())).toMatchObject({
    kind: 'failed',
    failure: { code: 'RequestTooLargeException' },
  });
});

test('An invocation ends with the patience of who waits for it.', async () => {
  const { handler } = await openHandler('never');
  const startedAt = Date.now();
  expect(await handler.invoke(event, AbortSignal.timeout(100))).toMatchObject({ kind: 'unavailable' });
  expect(Date.now() - startedAt).toBeLessThan(2000);
});
