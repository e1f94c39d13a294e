import { LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';

type RequestHandler = NonNullable<LambdaClientConfig['requestHandler']>;

const CONNECTION_TIMEOUT_MS = 3000;

/**
 * Creates a client that sends each invocation once. An invocation whose reply was lost may have taken effect, so only
 * the caller can decide whether to repeat it.
 */
export function createLambdaClient(
  requestHandler: RequestHandler,
  clientConfig: LambdaClientConfig = {},
): LambdaClient {
  return new LambdaClient({ maxAttempts: 1, requestHandler, ...clientConfig });
}

/** Keeps up to `concurrency` connections open, and fails fast if there is no network path to Lambda. */
export function pooledConnections(concurrency: number): RequestHandler {
  const agent = { keepAlive: true, maxSockets: concurrency };
  return { connectionTimeout: CONNECTION_TIMEOUT_MS, httpAgent: agent, httpsAgent: agent };
}
