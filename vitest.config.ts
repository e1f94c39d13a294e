import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // The servers, and what the tests start themselves, want their share of a small machine.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/{integration,conformance,chaos}/**/*.test.ts'],
          globalSetup: ['test/kit/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'localstack-functions',
          include: ['test/localstack/*.localstack.test.ts'],
          testTimeout: 60_000,
          // LocalStack may have to be installed first.
          hookTimeout: 600_000,
          // One after the other, and when all else is done: they measure how long functions take.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'localstack-stack',
          include: ['test/localstack/stack/*.stack.test.ts'],
          globalSetup: ['test/localstack/stack/global-setup.ts'],
          // Runs of the schedule are a minute apart, and a trouble may cost some.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // They wait for a schedule more than they work.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
