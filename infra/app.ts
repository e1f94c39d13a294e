import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { BackgroundConsumerError } from '../shared/errors.ts';
import { readDeployment } from './config.ts';
import { BackgroundConsumerStack } from './stack.ts';

/** What the `cdk` command runs. Only here is the context read. */
function main(): void {
  const app = new App();
  const deployment = readDeployment((key) => app.node.tryGetContext(key));
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
