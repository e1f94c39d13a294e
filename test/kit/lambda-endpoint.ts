import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenAsAws } from './aws-endpoint.ts';

/** The reply of Lambda's API to an invocation. undefined: the endpoint closes the connection without a reply. */
export type InvocationAnswer =
  | { readonly result: unknown }
  | { readonly functionError: unknown }
  | { readonly status: number; readonly errorName: string }
  | undefined;

/** A local endpoint of Lambda's Invoke API that runs a function of the test. */
export interface LambdaEndpoint {
  readonly clientConfig: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** The number of requests, how many are in flight, and how many were in flight at most. */
  readonly counts: { requests: number; inFlight: number; maxInFlight: number };
}

/** Stops when the test is finished. */
export async function startLambdaEndpoint(
  invoke: (event: unknown, functionName: string) => Promise<InvocationAnswer>,
): Promise<LambdaEndpoint> {
  const counts = { requests: 0, inFlight: 0, maxInFlight: 0 };
  const server = createServer((request, response) => {
    counts.requests++;
    counts.inFlight++;
    counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight);
    const functionName = /functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1] ?? '';
    readBody(request)
      .then((body) => invoke(body === '' ? undefined : JSON.parse(body), decodeURIComponent(functionName)))
      .then((answer) => send(response, answer))
      .catch(() => request.socket.destroy())
      .finally(() => {
        counts.inFlight--;
      });
  });
  return { counts, clientConfig: await listenAsAws(server) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: InvocationAnswer): void {
  if (answer === undefined) {
    response.socket?.destroy();
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  if ('status' in answer) {
    response.statusCode = answer.status;
    response.setHeader('x-amzn-ErrorType', answer.errorName);
    response.end(JSON.stringify({ Message: 'as the test requested' }));
    return;
  }
  if ('functionError' in answer) response.setHeader('X-Amz-Function-Error', 'Unhandled');
  response.end(JSON.stringify('result' in answer ? answer.result : answer.functionError));
}
