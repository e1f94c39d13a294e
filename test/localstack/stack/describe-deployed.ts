import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type ApplicationOptions, DeployedApplication } from './deployed-application.ts';

/** What the tests of one `describe` share. The application can be read once the tests run. */
export interface DeployedContext {
  readonly application: DeployedApplication;
}

/**
 * A `describe` with its own application and stack. If LocalStack cannot run on this machine, the tests are skipped, and
 * the test run says at its end what to install. `isHostNeeded`: the tests need functions that run as processes of this
 * machine, not as Docker containers.
 */
export function describeDeployed(
  title: string,
  options: ApplicationOptions & { readonly isHostNeeded?: boolean },
  defineTests: (deployed: DeployedContext) => void,
): void {
  const localStack = inject('localStack');
  const isOnHost = localStack?.hostForFunctions === '127.0.0.1';
  const isPossible = localStack !== undefined && (isOnHost || options.isHostNeeded !== true);
  describe.skipIf(!isPossible)(title, () => {
    let application: DeployedApplication | undefined;
    beforeAll(async () => {
      if (localStack !== undefined) application = await DeployedApplication.deploy(localStack, options);
    });
    afterAll(() => application?.stop());
    defineTests({
      get application() {
        if (application === undefined)
          throw new Error('The application is deployed before the tests run, not before they are defined.');
        return application;
      },
    });
  });
}
