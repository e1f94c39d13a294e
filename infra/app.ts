import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { BackgroundConsumerError } from '../shared/errors.ts';
import { readDeployment } from './config.ts';
import { BackgroundConsumerStack } from './stack.ts';

/** The program that the `cdk` command runs. It is the only place that reads the CDK context. */
function main(): void {
  // By default the CDK synthesizes at process exit, even a stack whose constructor has thrown.
  const app = new App({ autoSynth: false });
  const deployment = readDeployment(z.record(z.string(), z.unknown()).parse(app.node.getAllContext()));
  new BackgroundConsumerStack(app, deployment.stackName, deployment);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof BackgroundConsumerError)) throw error;
  console.error([error.message, error.nextStep].filter(Boolean).join('\n'));
  process.exitCode = 1;
}
