import {
  InvokeCommand,
  type InvokeCommandOutput,
  type LambdaClient,
  type LambdaClientConfig,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { createLambdaClient, pooledConnections } from '../../../shared/aws/lambda-client.ts';
import type { StageFailure } from '../../../shared/operations.ts';
import { parseJson } from '../../../shared/parse-json.ts';
import {
  type EntryEvent,
  type EntryHandler,
  type HandlerAnswer,
  handlerFailed,
} from '../channels/own-streams/entry-handler.ts';
import { failureStageOf } from '../operations/failure-stage.ts';
import { classifyInvocationError } from './invocation-errors.ts';

const PROBE_TIMEOUT_MS = 5000;

/** Payload that Lambda returns if a function threw, timed out or could not start. */
const functionErrorSchema = z.object({
  errorType: z.string().default('Error'),
  errorMessage: z.string().default(''),
});

export interface LambdaHandlerOptions {
  /** Name or ARN of the function. */
  readonly functionName: string;
  /** Maximum number of concurrent invocations. */
  readonly concurrency: number;
  readonly clientConfig?: LambdaClientConfig;
}

/** A Lambda function that handles entries. Close it after use. */
export class LambdaHandler implements EntryHandler {
  readonly #functionName: string;
  readonly #client: LambdaClient;

  constructor({ functionName, concurrency, clientConfig }: LambdaHandlerOptions) {
    this.#functionName = functionName;
    this.#client = createLambdaClient(pooledConnections(concurrency), clientConfig);
  }

  async invoke(event: EntryEvent, signal: AbortSignal): Promise<HandlerAnswer> {
    const command = new InvokeCommand({
      FunctionName: this.#functionName,
      InvocationType: 'RequestResponse',
      Payload: Buffer.from(JSON.stringify(event), 'utf8'),
    });
    try {
      return toAnswer(await this.#client.send(command, { abortSignal: signal }));
    } catch (error) {
      const { kind, code } = classifyInvocationError(error);
      const message = `Lambda did not run the function (${code})`;
      return { kind: kind === 'too-large' ? 'failed' : 'unavailable', failure: { code, message } };
    }
  }

  async probe(): Promise<StageFailure | undefined> {
    const command = new InvokeCommand({ FunctionName: this.#functionName, InvocationType: 'DryRun' });
    try {
      await this.#client.send(command, { abortSignal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      return undefined;
    } catch (error) {
      const { code } = classifyInvocationError(error);
      return {
        stage: failureStageOf([code]),
        code,
        message: `the function ${this.#functionName} cannot be invoked (${code})`,
        nextStep: "Check that it exists and that the poller's role has permission to invoke it.",
      };
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

function toAnswer({ FunctionError, Payload }: InvokeCommandOutput): HandlerAnswer {
  // A function that returns nothing has no payload.
  const reply = parseJson(Buffer.from(Payload ?? []).toString('utf8'));
  if (FunctionError === undefined) return { kind: 'answered', reply };
  const { errorType, errorMessage } = functionErrorSchema
    .catch({ errorType: FunctionError, errorMessage: '' })
    .parse(reply);
  return handlerFailed(errorType, errorMessage);
}
