import type { Context } from 'aws-lambda';
import { createLambdaLogger } from '../../shared/aws/lambda-logger.ts';
import { reportingErrors, reportUncaughtErrors } from '../../shared/aws/reported-error.ts';
import { SecretsManagerReader } from '../../shared/aws/secret-reader.ts';
import { answer } from './aws/answer.ts';
import { readExecutorConfiguration } from './aws/configuration.ts';
import { DeployedExecutor } from './aws/deployed-executor.ts';

const configuration = readExecutorConfiguration(process.env);
const logger = createLambdaLogger(configuration.logLevel, configuration.serviceName);
const executor = new DeployedExecutor({
  ...configuration,
  secrets: new SecretsManagerReader(configuration.secretMaxAgeSeconds),
});
reportUncaughtErrors(logger);

/** The SQL executor: receives one request of the poller and returns one reply. */
export function handler(event: unknown, context: Context): Promise<unknown> {
  logger.begin(context);
  return reportingErrors(logger, () => answer(executor, event, context.getRemainingTimeInMillis(), logger));
}
