import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // Small machines also need CPU time for the servers and processes that the tests start.
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
          // The first run may have to install LocalStack.
          hookTimeout: 600_000,
          // These tests measure how long functions take, so they run one at a time, after the tests above.
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
          // The schedule runs once a minute, and a fault can make several runs fail.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // These tests mostly wait for the schedule.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
