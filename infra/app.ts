import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import { BackgroundConsumerError } from '../shared/errors.ts';
import { readDeployment } from './config.ts';
import { BackgroundConsumerStack } from './stack.ts';

/** What the `cdk` command runs. Only here is the context read. */
function main(): void {
  // Else a stack that could not be made to its end is synthesized all the same when the process ends.
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
