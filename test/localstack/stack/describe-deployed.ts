import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type ApplicationOptions, DeployedApplication } from './deployed-application.ts';

/** The deployed application that the tests of one `describe` share. It is there once they run. */
export interface DeployedPlace {
  readonly application: DeployedApplication;
}

/**
 * A `describe` with an application and a stack of its own. Where no LocalStack can run its tests are skipped; the run
 * says at its end what to install.
 * @param isHostNeeded whether its tests need functions that are processes of this machine, not Docker's containers
 */
export function describeDeployed(
  title: string,
  options: ApplicationOptions & { readonly isHostNeeded?: boolean },
  defineTests: (place: DeployedPlace) => void,
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
        if (application === undefined) throw new Error('It is deployed before the tests run.');
        return application;
      },
    });
  });
}
