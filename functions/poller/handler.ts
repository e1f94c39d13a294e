import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { createLambdaLogger } from '../../shared/aws/lambda-logger.ts';
import { packPayload } from '../../shared/aws/payload.ts';
import { reportingErrors, reportUncaughtErrors } from '../../shared/aws/reported-error.ts';
import { SecretsManagerReader } from '../../shared/aws/secret-reader.ts';
import { ConfigurationError } from '../../shared/errors.ts';
import { type Operation, parseOperation } from '../../shared/operations.ts';
import { readPollerConfiguration } from './aws/configuration.ts';
import { DeployedPoller } from './aws/deployed-poller.ts';
import { DrainMetrics } from './aws/metrics.ts';

const configuration = readPollerConfiguration(process.env);
const logger = createLambdaLogger(configuration.logLevel, configuration.serviceName);
const poller = new DeployedPoller({
  configuration,
  logger,
  secrets: new SecretsManagerReader(configuration.secretMaxAgeSeconds),
  metrics: new DrainMetrics(configuration.serviceName),
});
reportUncaughtErrors(logger);

/** The poller: performs an operation and returns its result. The schedule sends `{"operation":"drain"}`. */
export function handler(event: unknown, context: Context): Promise<unknown> {
  logger.begin(context);
  return reportingErrors(logger, async () => {
    const operation = readOperation(event);
    const result = await poller.perform(operation, context.getRemainingTimeInMillis());
    const payload = await packPayload(result);
    if (payload !== undefined) return payload.value;
    throw new ConfigurationError('too-large', 'the reply is larger than Lambda allows', {
      nextStep: 'Run the command with --registry FILE on a machine that can reach Redis.',
    });
  });
}

function readOperation(event: unknown): Operation {
  try {
    return parseOperation(event);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new ConfigurationError('unknown-operation', 'unknown operation', {
      nextStep: 'Send {"operation":"drain"}, or "status", "dead-letters", "redrive" or "discard".',
    });
  }
}
