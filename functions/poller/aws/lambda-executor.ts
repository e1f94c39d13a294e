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

/** How long after its deadline an answer is waited for: it may be on its way. */
const LATE_ANSWER_MS = 500;

export interface LambdaExecutorOptions {
  /** Name or ARN of the SQL executor's function. */
  readonly functionName: string;
  /** Invocations in flight at once, at most. */
  readonly concurrency: number;
  /** Told of each invocation: how long it took, in milliseconds, and how it failed. */
  readonly onInvocation?: (ms: number, failure: InvocationFailure | undefined) => void;
  readonly clientConfig?: LambdaClientConfig;
}

/**
 * The SQL executor behind Lambda. An invocation is sent once: what may be tried again, and what must be looked up
 * first, the ledger's session knows.
 *
 * Make one for each drain and close it: sockets that were kept while Lambda froze this process are dead, and a request
 * on one of them would end without an answer.
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

  /** Rejects where the function may have run without an answer: by an error of its own, a timeout, a lost socket. */
  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    const payload = await packPayload(request);
    if (payload === undefined) return TOO_LARGE;
    await this.#gate.enter();
    try {
      // Where others held the gate for too long the answer would come too late to be of use.
      if (Date.now() >= request.deadline)
        return transientError('throttled', 'no invocation was free in time');
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
    const patienceMs = Math.max(1, Math.ceil(deadline + LATE_ANSWER_MS - Date.now()));
    const abortSignal = AbortSignal.timeout(patienceMs);
    const { FunctionError, Payload } = await this.#client.send(command, { abortSignal });
    // Its payload describes the error, and may quote what the function was doing.
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
          ...transientError(code, `the SQL executor could not be invoked now (${code})`),
          nextStep:
            'Where this lasts: check the concurrency of the account, and the way from the poller to Lambda.',
        };
      case 'configuration':
        return {
          status: 'error',
          kind,
          code,
          message: `the SQL executor's function ${this.#options.functionName} can't be invoked (${code})`,
          nextStep: 'Check that it exists and that the role of the poller may invoke it.',
        };
    }
  }
}

/** The function ended by an error or by its timeout; what it had begun may or may not have taken effect. */
class FunctionFailedError extends Error {
  override readonly name = 'FunctionFailedError';
}

const TOO_LARGE: ExecutorReply = { status: 'too-large' };

function transientError(code: string, message: string): ErrorReply {
  return { status: 'error', kind: 'transient', code, message };
}
