import { defineConfig } from 'vitest/config';

/** Tests that want a LocalStack: `npx vitest run --config test/localstack/vitest.config.ts`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../..`,
    include: ['test/localstack/**/*.localstack.test.ts'],
    pool: 'forks',
    // Each file starts a LocalStack of its own, with a Node process for each function environment.
    maxWorkers: 1,
    testTimeout: 60_000,
    // LocalStack may have to be installed first.
    hookTimeout: 600_000,
  },
});
