import { Metrics } from '@aws-lambda-powertools/metrics';
import { onTestFinished } from 'vitest';
import {
  type PollerConfiguration,
  pollerConfigurationSchema,
} from '../../functions/poller/aws/configuration.ts';
import { DeployedPoller } from '../../functions/poller/aws/deployed-poller.ts';
import { DrainMetrics } from '../../functions/poller/aws/metrics.ts';
import { answer } from '../../functions/sql-executor/aws/answer.ts';
import { executorConfigurationSchema } from '../../functions/sql-executor/aws/configuration.ts';
import { DeployedExecutor } from '../../functions/sql-executor/aws/deployed-executor.ts';
import type { SecretReader } from '../../shared/aws/secret-reader.ts';
import { parseRegistry } from '../../shared/registry/registry.ts';
import { type InvocationAnswer, startLambdaEndpoint } from './lambda-endpoint.ts';
import type { LoadedFixture } from './load-fixture.ts';
import { silentLogger } from './scene/drain-scene.ts';

/** The remaining time that Lambda reports to the functions, in milliseconds. */
export const REMAINING_MS = 60_000;

/** Secrets in memory. If `isOutdated` is set, they return an old password until a fresh read, as after a rotation. */
class MemorySecrets implements SecretReader {
  readonly #texts: ReadonlyMap<string, string>;
  reads = 0;
  freshReads = 0;
  isOutdated = false;

  constructor(texts: ReadonlyMap<string, string>) {
    this.#texts = texts;
  }

  read(id: string, { isFresh }: { readonly isFresh: boolean }): Promise<string> {
    this.reads++;
    if (isFresh) {
      this.freshReads++;
      this.isOutdated = false;
    }
    const text = this.#texts.get(id) ?? '';
    return Promise.resolve(this.isOutdated ? text.replace(/"password":"[^"]*"/, '"password":"old"') : text);
  }
}

export interface Deployed {
  readonly poller: DeployedPoller;
  readonly executor: DeployedExecutor;
  readonly executorSecrets: MemorySecrets;
}

/**
 * Runs the code of both functions against real servers. The poller invokes the SQL executor through a local endpoint of
 * Lambda's API. If `before` returns an answer, the endpoint sends it instead of running the executor.
 */
export async function deploy(
  fixture: LoadedFixture,
  before: (event: unknown, functionName: string) => InvocationAnswer = () => undefined,
  bindings: readonly unknown[] = [],
): Promise<Deployed> {
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const mysqlPools = Object.fromEntries(
    [...registry.mysqlPools].map(([code, { host, port, database, parameters }]) => [
      code,
      { host, port, database, parameters: Object.fromEntries(parameters), secret: code },
    ]),
  );
  const texts = [...registry.mysqlPools].map(([code, { user, password }]): [string, string] => [
    code,
    JSON.stringify({ username: user, password }),
  ]);
  const executorSecrets = new MemorySecrets(new Map(texts));
  const executor = new DeployedExecutor({
    ...executorConfigurationSchema.parse({
      serviceName: 'test-executor',
      logLevel: 'error',
      mysqlPools,
      ledgerDatabase: fixture.database('background_consumer'),
      secretMaxAgeSeconds: 300,
    }),
    secrets: executorSecrets,
  });
  onTestFinished(() => executor.close());
  const endpoint = await startLambdaEndpoint(async (event, functionName) => {
    const refusal = before(event, functionName);
    return refusal ?? { result: await answer(executor, event, 30_000, silentLogger) };
  });
  const metrics = new Metrics({ namespace: 'Test', serviceName: 'test' });
  const poller = new DeployedPoller({
    configuration: pollerConfiguration(fixture, bindings),
    secrets: new MemorySecrets(new Map()),
    logger: silentLogger,
    metrics: new DrainMetrics('test', metrics),
    clientConfig: endpoint.clientConfig,
  });
  return { poller, executor, executorSecrets };
}

function pollerConfiguration(fixture: LoadedFixture, bindings: readonly unknown[]): PollerConfiguration {
  const registry = parseRegistry(fixture.registryYaml, 'registry.yaml');
  const streams: Record<string, Record<string, readonly string[]>> = {};
  for (const { name, redisPool, groups } of registry.streams.values())
    streams[redisPool] = { ...streams[redisPool], [name]: groups };
  const redisPools = [...registry.redisPools.values()].map(({ code, target, database, namespace, tls }) => [
    code,
    { target, database, namespace, tls },
  ]);
  return pollerConfigurationSchema.parse({
    serviceName: 'test',
    logLevel: 'error',
    mysqlPools: [...registry.mysqlPools.keys()],
    redisPools: Object.fromEntries(redisPools),
    streams,
    executor: 'sql-executor',
    bindings,
    ordering: 'entity',
    lazyConcurrency: 11,
    batchItems: 200,
    allowedStatements: [],
    isTail: false,
    budgetMs: 50_000,
    secretMaxAgeSeconds: 300,
  });
}
