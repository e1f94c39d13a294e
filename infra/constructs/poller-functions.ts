import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Registry } from '../../shared/registry/types.ts';
import { type ChannelFiles, functionArn } from './channel-files.ts';
import type { ConsumerContext } from './consumer-context.ts';
import { ConsumerFunction } from './consumer-function.ts';
import type { RedisPoolProps } from './props.ts';
import { provideRedisPool } from './redis-pools.ts';
import { grantSecrets } from './secret-grants.ts';
import type { ProvidedPool } from './server-access.ts';

export interface PollerOptions {
  readonly poolProps: Readonly<Record<string, RedisPoolProps>>;
  readonly channelFiles: ChannelFiles;
  readonly executor: IFunction;
}

/** The function that drains and the function that answers operations: the same, unless `reservePoller` is set. */
export interface PollerFunctions {
  readonly poller: IFunction;
  readonly operations: IFunction;
}

/** Creates the poller and, where the props ask for it, the Redis servers. */
export function createPollers(
  scope: Construct,
  context: ConsumerContext,
  { poolProps, channelFiles, executor }: PollerOptions,
): PollerFunctions {
  const { registry, network, removal } = context;
  const pools = [...registry.redisPools.values()].map((pool) => {
    const props = poolProps[pool.code] ?? { kind: 'existing' };
    const { address, secret } = provideRedisPool(scope, network, pool, props, removal);
    return { code: pool.code, address, secret };
  });
  const create = (id: string, description: string, reservedConcurrency?: number): IFunction => {
    const configuration = pollerConfiguration(context, pools, channelFiles, executor);
    const poller = createPoller(scope, id, { context, description, configuration, reservedConcurrency });
    grantSecrets(poller, pools);
    grantInvocation(poller, executor, channelFiles.boundFunctions);
    return poller;
  };
  const { reservePoller } = context.settings;
  const poller = create(
    'Poller',
    'Drains the streams into MySQL on a schedule',
    reservePoller ? 1 : undefined,
  );
  const operations = reservePoller ? create('Operations', 'Answers operations alongside the poller') : poller;
  return { poller, operations };
}

interface PollerDefinition {
  readonly context: ConsumerContext;
  readonly description: string;
  readonly configuration: object;
  readonly reservedConcurrency: number | undefined;
}

function createPoller(
  scope: Construct,
  id: string,
  { context, description, configuration, reservedConcurrency }: PollerDefinition,
): ConsumerFunction {
  const { settings, network, removal } = context;
  return new ConsumerFunction(scope, id, {
    entry: 'functions/poller/handler.ts',
    description,
    configuration,
    network,
    securityGroup: network.pollerSecurityGroup,
    architecture: settings.architecture,
    memoryMb: settings.pollerMemoryMb,
    timeout: Duration.seconds(settings.pollerTimeoutSeconds),
    reservedConcurrency,
    logRetentionDays: settings.logRetentionDays,
    removal,
  });
}

function pollerConfiguration(
  { settings, registry, serviceName }: ConsumerContext,
  pools: readonly (ProvidedPool & { readonly code: string })[],
  { bindings, search }: ChannelFiles,
  executor: IFunction,
): object {
  return {
    serviceName,
    logLevel: settings.logLevel,
    redisPools: Object.fromEntries(pools.map(({ code, address }) => [code, address])),
    mysqlPools: [...registry.mysqlPools.keys()],
    streams: streamsByPool(registry),
    executor: executor.functionName,
    bindings,
    search,
    ordering: settings.ordering,
    lazyConcurrency: settings.lazyConcurrency,
    batchItems: settings.batchItems,
    allowedStatements: settings.allowedStatements,
    absentGroups: settings.absentGroups,
    secretMaxAgeSeconds: settings.secretMaxAgeSeconds,
    isTail: settings.tail,
    budgetMs: settings.budgetSeconds * 1000,
  };
}

/** Does not use `grantInvoke`, which would also allow versions and aliases of the executor. */
function grantInvocation(
  poller: IFunction,
  executor: IFunction,
  boundFunctions: ChannelFiles['boundFunctions'],
): void {
  const boundArns = boundFunctions.map((name) => functionArn(Stack.of(poller), name));
  poller.addToRolePolicy(
    new PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: [executor.functionArn, ...boundArns],
    }),
  );
}

function streamsByPool({ streams }: Registry): Record<string, Record<string, readonly string[]>> {
  const byPool: Record<string, Record<string, readonly string[]>> = {};
  for (const { name, redisPool, groups } of streams.values())
    byPool[redisPool] = { ...byPool[redisPool], [name]: groups };
  return byPool;
}
