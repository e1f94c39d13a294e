import { InvokeCommand, type LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { createLambdaClient, pooledConnections } from '../../../shared/aws/lambda-client.ts';
import { packPayload, unpackPayload } from '../../../shared/aws/payload.ts';
import {
  type ErrorReply,
  type ExecutorReply,
  type ExecutorRequest,
  parseReply,
  type SqlExecutor,
} from '../../../shared/protocol.ts';
import { classifyInvocationError, type InvocationFailure } from './invocation-errors.ts';
import { InvocationGate } from './invocation-gate.ts';

/** How long to wait for a reply after its deadline, because it may already be on its way. */
const LATE_REPLY_MS = 500;

export interface LambdaExecutorOptions {
  /** Name or ARN of the SQL executor's function. */
  readonly functionName: string;
  /** Maximum number of concurrent invocations. */
  readonly concurrency: number;
  /** Called after each invocation with its duration in milliseconds and its failure. */
  readonly onInvocation?: (ms: number, failure: InvocationFailure | undefined) => void;
  readonly clientConfig?: LambdaClientConfig;
}

/**
 * The SQL executor as a Lambda function. Each request is sent once: the ledger's session decides which requests to retry and
 * which to look up first.
 *
 * Create one for each drain and close it: sockets that stay open while Lambda freezes this process are dead, and a request
 * on one of them would never get a reply.
 */
export class LambdaExecutor implements SqlExecutor {
  readonly #options: LambdaExecutorOptions;
  readonly #client: LambdaClient;
  readonly #gate: InvocationGate;

  constructor(options: LambdaExecutorOptions) {
    const { concurrency } = options;
    this.#options = options;
    this.#gate = new InvocationGate(concurrency);
    this.#client = createLambdaClient(pooledConnections(concurrency), options.clientConfig);
  }

  /** Rejects if the function may have run but there is no reply, because of its own error, a timeout or a lost socket. */
  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    const payload = await packPayload(request);
    if (payload === undefined) return TOO_LARGE;
    await this.#gate.enter();
    try {
      // If other invocations have used up the time, the reply would be too late to be useful.
      if (Date.now() >= request.deadline)
        return transientError('throttled', 'no invocation slot was free in time');
      return await this.#invoke(request, payload.json);
    } finally {
      this.#gate.leave();
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #invoke(request: ExecutorRequest, json: string): Promise<ExecutorReply> {
    const startedAt = performance.now();
    const done = (failure?: InvocationFailure) =>
      this.#options.onInvocation?.(performance.now() - startedAt, failure);
    try {
      const reply = await this.#send(json, request.deadline);
      this.#gate.succeeded();
      done();
      return reply;
    } catch (error) {
      const failure = classifyInvocationError(error);
      done(failure);
      if (failure.code === 'TooManyRequestsException') this.#gate.throttled();
      return this.#toReply(failure, error);
    }
  }

  async #send(json: string, deadline: number): Promise<ExecutorReply> {
    const command = new InvokeCommand({
      FunctionName: this.#options.functionName,
      InvocationType: 'RequestResponse',
      Payload: Buffer.from(json, 'utf8'),
    });
    const timeoutMs = Math.max(1, Math.ceil(deadline + LATE_REPLY_MS - Date.now()));
    const abortSignal = AbortSignal.timeout(timeoutMs);
    const { FunctionError, Payload } = await this.#client.send(command, { abortSignal });
    // The payload describes the error. It is dropped, because it may quote the statements that the function was running.
    if (FunctionError !== undefined) throw new FunctionFailedError();
    return parseReply(await unpackPayload(JSON.parse(Buffer.from(Payload ?? []).toString('utf8'))));
  }

  #toReply({ kind, code }: InvocationFailure, error: unknown): ExecutorReply {
    switch (kind) {
      case 'unknown':
        throw error;
      case 'too-large':
        return TOO_LARGE;
      case 'transient':
        return {
          ...transientError(code, `the SQL executor could not be invoked (${code})`),
          nextStep:
            "If this persists, check the account's concurrency limit and the network path from the poller to Lambda.",
        };
      case 'configuration':
        return {
          status: 'error',
          kind,
          code,
          message: `the SQL executor's function ${this.#options.functionName} cannot be invoked (${code})`,
          nextStep: "Check that it exists and that the poller's role has permission to invoke it.",
        };
    }
  }
}

/** The function ended with an error or a timeout. The work that it had begun may or may not have taken effect. */
class FunctionFailedError extends Error {
  override readonly name = 'FunctionFailedError';
}

const TOO_LARGE: ExecutorReply = { status: 'too-large' };

function transientError(code: string, message: string): ErrorReply {
  return { status: 'error', kind: 'transient', code, message };
}
