import type { Lambda } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe } from 'vitest';
import { type LocalStack, startLocalStack } from '../../infra/localstack/localstack.ts';
import { findLocalStackSource } from '../../infra/localstack/source.ts';
import { lambdaClient } from './function-under-test.ts';

/** What the tests of one `describe` share. The fields can be read once the tests run. */
export interface LocalStackContext {
  readonly localStack: LocalStack;
  readonly lambda: Lambda;
}

/**
 * A `describe` with its own LocalStack. If LocalStack cannot run on this machine, the tests are skipped, and the test
 * run says at its end what to install.
 * @param isHostNeeded whether the tests need functions that run as processes of this machine, not as Docker containers
 */
export function describeOnLocalStack(
  title: string,
  { isHostNeeded }: { readonly isHostNeeded: boolean },
  defineTests: (context: LocalStackContext) => void,
): void {
  const source = findLocalStackSource();
  const isPossible = source !== undefined && !(isHostNeeded && 'image' in source);
  describe.skipIf(!isPossible)(title, () => {
    let localStack: LocalStack | undefined;
    let lambda: Lambda | undefined;
    beforeAll(async () => {
      localStack = await startLocalStack();
      lambda = lambdaClient(localStack);
    });
    afterAll(() => localStack?.stop());
    defineTests({
      get localStack() {
        return started(localStack);
      },
      get lambda() {
        return started(lambda);
      },
    });
  });
}

function started<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error('LocalStack is started before the tests run, not before they are defined.');
  return value;
}
