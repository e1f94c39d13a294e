import { execFile } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { CONFIGURATION_VARIABLE } from '../../../shared/aws/deployed-configuration.ts';
import type { Candidate } from '../candidates/candidate.ts';
import type { Workload } from './workload.ts';

const projectRoot = `${import.meta.dirname}/../../..`;

/** The options with which the CDK stack bundles the handlers. */
const BUNDLING = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: {
    js: "import { createRequire as topLevelCreateRequire } from 'node:module';const require = topLevelCreateRequire(import.meta.url);",
  },
  logLevel: 'error',
} as const;

const MEASURE_IMPORT = `
const startedAt = performance.now();
await import(process.argv[1]);
process.stdout.write(String(performance.now() - startedAt), () => process.exit(0));
`;

/** Handlers read their configuration when they are imported, so it must be valid. */
const CONFIGURATION = {
  serviceName: 'bench',
  logLevel: 'error',
  secretMaxAgeSeconds: 60,
};
const CONFIGURATIONS: Readonly<Record<string, object>> = {
  poller: {
    ...CONFIGURATION,
    mysqlPools: ['default'],
    redisPools: {},
    streams: {},
    executor: 'sql-executor',
    ordering: 'entity',
    lazyConcurrency: 11,
    batchItems: 200,
    allowedStatements: [],
    isTail: false,
    budgetMs: 50_000,
  },
  'sql-executor': { ...CONFIGURATION, mysqlPools: {}, ledgerDatabase: 'background_consumer' },
};

const HANDLERS = globSync('functions/*/handler.ts', { cwd: projectRoot }).toSorted();

/** Bundles each Lambda handler, and imports it in a new process. */
export const coldImportWorkload: Workload = {
  name: 'cold-import',
  title: 'cold import of the bundled handlers',
  candidates: async () => HANDLERS.map(importOf),
  goals: HANDLERS.map(nameOf).flatMap((of) => [
    { metric: 'import time', of, atMost: 250 } as const,
    { metric: 'bundle size', of, atMost: 2 } as const,
  ]),
};

function nameOf(handler: string): string {
  return basename(dirname(handler));
}

function importOf(handler: string): Candidate {
  return {
    name: nameOf(handler),
    run: async () => {
      const directory = await mkdtemp(`${tmpdir()}/background-consumer-`);
      try {
        const bundle = `${directory}/handler.mjs`;
        await build({
          ...BUNDLING,
          mainFields: [...BUNDLING.mainFields],
          entryPoints: [`${projectRoot}/${handler}`],
          outfile: bundle,
        });
        const configuration = JSON.stringify(CONFIGURATIONS[nameOf(handler)] ?? CONFIGURATION);
        const { stdout } = await promisify(execFile)(
          process.execPath,
          ['--input-type=module', '--eval', MEASURE_IMPORT, bundle],
          { env: { [CONFIGURATION_VARIABLE]: configuration } },
        );
        return { 'import time': Number(stdout), 'bundle size': statSync(bundle).size / 1e6 };
      } finally {
        await rm(directory, { recursive: true });
      }
    },
  };
}
