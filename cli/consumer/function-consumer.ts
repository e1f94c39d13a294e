import { InvokeCommand, type LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { classifyInvocationError } from '../../functions/poller/aws/invocation-errors.ts';
import { createLambdaClient } from '../../shared/aws/lambda-client.ts';
import { packPayload, unpackPayload } from '../../shared/aws/payload.ts';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterOperations,
  RedriveResult,
} from '../../shared/dead-letter.ts';
import { type DrainSummary, drainSummarySchema } from '../../shared/drain-summary.ts';
import { BackgroundConsumerError, ConfigurationError, ConnectionError } from '../../shared/errors.ts';
import {
  type DeadLetterPageOperation,
  deadLetterPageSchema,
  type Operation,
  type ReceivedDeadLetterPage,
  type StatusReply,
  statusReplySchema,
} from '../../shared/operations.ts';
import type { Consumer } from './consumer.ts';

/** A run of the poller may use Lambda's maximum of 15 minutes. */
const REPLY_TIMEOUT_MS = 16 * 60_000;

/** Opens a deployed consumer. Its deployed settings apply, and it reports no progress. */
export function openFunctionConsumer(functionName: string): Consumer {
  const consumer = new FunctionConsumer(functionName);
  return {
    drain: ({ budgetMs, isTail = false }) => consumer.drain(budgetMs, isTail),
    deadLetters: consumer,
    status: () => consumer.status(),
    close: () => Promise.resolve(consumer.close()),
  };
}

/**
 * Invokes the poller's function of a deployed consumer, from any machine that reaches AWS, even if that machine cannot
 * reach Redis and MySQL. Credentials and region come from the AWS environment, as for other AWS tools.
 */
export class FunctionConsumer implements DeadLetterOperations {
  readonly #functionName: string;
  readonly #client: LambdaClient;

  constructor(functionName: string, clientConfig: LambdaClientConfig = {}) {
    this.#functionName = functionName;
    this.#client = createLambdaClient({ requestTimeout: REPLY_TIMEOUT_MS }, clientConfig);
  }

  /**
   * Performs the operation and returns the reply of the function.
   * @throws ConfigurationError if the function cannot be invoked, ConnectionError if it does not reply,
   *   BackgroundConsumerError `function-failed` with the error message of the function
   */
  async perform(operation: Operation): Promise<unknown> {
    const payload = await packPayload(operation);
    const reply = await this.#client
      .send(
        new InvokeCommand({ FunctionName: this.#functionName, Payload: Buffer.from(payload?.json ?? '') }),
      )
      .catch((error: unknown) => {
        throw this.#toError(error);
      });
    const value: unknown = JSON.parse(Buffer.from(reply.Payload ?? []).toString('utf8'));
    if (reply.FunctionError !== undefined) throw functionFailed(value);
    return unpackPayload(value);
  }

  async drain(budgetMs: number, isTail: boolean): Promise<DrainSummary> {
    const wholeMs = Math.max(1, Math.floor(budgetMs));
    return parseReply(
      drainSummarySchema,
      await this.perform({ operation: 'drain', budgetMs: wholeMs, isTail }),
    );
  }

  async status(): Promise<StatusReply> {
    return parseReply(statusReplySchema, await this.perform({ operation: 'status' }));
  }

  async *list(filter: DeadLetterFilter): AsyncIterable<DeadLetter> {
    for await (const { deadLetters } of this.#pages('dead-letters', filter)) yield* deadLetters;
  }

  async redrive(filter: DeadLetterFilter): Promise<RedriveResult> {
    let redriven = 0;
    let refused = 0;
    for await (const page of this.#pages('redrive', filter)) {
      redriven += page.changed;
      refused += page.refused;
    }
    return refused === 0 ? { redriven } : { redriven, refused };
  }

  async discard(filter: DeadLetterFilter): Promise<{ readonly discarded: number }> {
    let discarded = 0;
    for await (const { changed } of this.#pages('discard', filter)) discarded += changed;
    return { discarded };
  }

  close(): void {
    this.#client.destroy();
  }

  async *#pages(
    operation: DeadLetterPageOperation['operation'],
    filter: DeadLetterFilter,
  ): AsyncIterable<ReceivedDeadLetterPage> {
    let after: ReceivedDeadLetterPage['next'];
    do {
      const request = after === undefined ? { operation, filter } : { operation, filter, after };
      const page = parseReply(deadLetterPageSchema, await this.perform(request));
      yield page;
      after = page.next;
    } while (after !== undefined);
  }

  #toError(error: unknown): BackgroundConsumerError {
    const { kind, code } = classifyInvocationError(error);
    const message = `the function ${this.#functionName} cannot be invoked (${code})`;
    // The client reports a missing region only by this message.
    if (error instanceof Error && error.message === 'Region is missing') {
      return new ConfigurationError('no-region', `${message}: no AWS region is configured`, {
        nextStep: 'Set AWS_REGION, or the region of your AWS profile.',
        cause: error,
      });
    }
    return kind === 'configuration'
      ? new ConfigurationError('function-refused', message, {
          nextStep: 'Check its name and region, and that your credentials allow lambda:InvokeFunction.',
          cause: error,
        })
      : new ConnectionError('function-unreachable', message, {
          nextStep: 'Check that this machine can reach AWS, and check the log of the function.',
          cause: error,
        });
  }
}

function parseReply<Schema extends z.ZodType>(schema: Schema, reply: unknown): z.output<Schema> {
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  throw new BackgroundConsumerError('unknown-reply', 'this version cannot read the reply of the function', {
    nextStep: 'Deploy the stack with this version, or use the version that the stack was deployed with.',
    cause: parsed.error,
  });
}

const failureSchema = z.object({ errorMessage: z.string() }).catch({ errorMessage: 'no error message' });

function functionFailed(value: unknown): BackgroundConsumerError {
  const { errorMessage } = failureSchema.parse(value);
  return new BackgroundConsumerError('function-failed', `the function failed: ${errorMessage}`, {
    nextStep: 'Check the log of the function for details.',
  });
}
