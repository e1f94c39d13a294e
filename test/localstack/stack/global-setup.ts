import type { TestProject } from 'vitest/node';
import { bootstrap } from '../../../infra/localstack/cdk.ts';
import { type LocalStackAddress, startLocalStack } from '../../../infra/localstack/localstack.ts';
import { findLocalStackSource } from '../../../infra/localstack/source.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A LocalStack that is ready for `cdk deploy`. Undefined if LocalStack cannot run on this machine. */
    readonly localStack: LocalStackAddress | undefined;
  }
}

/** Starts one LocalStack for all tests that deploy a stack. */
export async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (findLocalStackSource() === undefined) {
    provide('localStack', undefined);
    return undefined;
  }
  const localStack = await startLocalStack();
  try {
    console.error('Preparing the LocalStack account with `cdk bootstrap`…');
    await bootstrap(localStack);
  } catch (error) {
    await localStack.stop();
    throw error;
  }
  const { endpoint, region, environment, hostForFunctions, serverAddresses, directory, logFile } = localStack;
  provide('localStack', {
    endpoint,
    region,
    environment,
    hostForFunctions,
    serverAddresses,
    directory,
    logFile,
  });
  return () => localStack.stop();
}
