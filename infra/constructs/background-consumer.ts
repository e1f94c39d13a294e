import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { readRegistrySync } from '../../shared/registry/read-registry.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { ConsumerAlarms } from './alarms.ts';
import { type ChannelFiles, functionArn, readChannelFiles, warnOfLongHandlers } from './channel-files.ts';
import { type CheckedProps, checkProps } from './check-props.ts';
import { ConsumerFunction, createLogGroup } from './consumer-function.ts';
import { ConsumerDashboard } from './dashboard.ts';
import { bindMysqlPool, checkConnections } from './mysql-pools.ts';
import { Network } from './network.ts';
import { propsError } from './problems.ts';
import type { BackgroundConsumerProps } from './props.ts';
import { bindRedisPool } from './redis-pools.ts';
import { grantSecrets } from './secret-grants.ts';
import type { Settings } from './settings.ts';

/** Beside batches in flight: what opens, voids and prunes. */
const SPARE_EXECUTORS = 3;

/**
 * The background consumer of one BeeORM application: poller, SQL executor, their schedule, network, alarms and
 * dashboard, and the servers that it is asked to make. Wrong props are told at synth, with their path.
 */
export class BackgroundConsumer extends Construct {
  readonly network: Network;
  /** Drains. */
  readonly poller: IFunction;
  /** Answers `status`, `dead-letters` and the like: the poller, unless that one is reserved to one run at a time. */
  readonly operations: IFunction;
  readonly executor: IFunction;
  readonly #settings: Settings;
  readonly #registry: Registry;
  readonly #serviceName: string;
  readonly #channelFiles: ChannelFiles;

  constructor(scope: Construct, id: string, props: BackgroundConsumerProps) {
    super(scope, id);
    const checked = checkProps(id, props);
    this.#settings = checked.settings;
    this.#registry = readRegistrySync(checked.registry);
    this.#channelFiles = readChannelFiles(checked, this.#registry);
    warnOfLongHandlers(this, this.#channelFiles.bindings, this.#settings.budgetSeconds);
    this.#checkPoolNames(checked);
    // Two consumers in one stack must not be taken for one by alarms.
    this.#serviceName = checked.serviceName ?? `${Stack.of(this).stackName}-${id}`;
    this.network = new Network(this, 'Network', checked);
    this.executor = this.#createExecutor(checked);
    [this.poller, this.operations] = this.#createPollers(checked);
    this.#schedule();
    const watched = {
      settings: this.#settings,
      serviceName: this.#serviceName,
      poller: this.poller,
      executor: this.executor,
    };
    const dashboard = new ConsumerDashboard(this, 'Dashboard', {
      ...watched,
      boundChannels: this.#channelFiles.boundChannels,
    });
    const { alarmTopic, declinedAlarms } = checked;
    new ConsumerAlarms(this, 'Alarms', { ...watched, alarmTopic, declinedAlarms });
    this.#output({ Function: this.operations.functionName, PollerFunction: this.poller.functionName });
    this.#output({ ExecutorFunction: this.executor.functionName, DashboardUrl: dashboard.url });
  }

  #checkPoolNames({ redisPools, mysqlPools }: CheckedProps): void {
    const known = { redisPools: this.#registry.redisPools, mysqlPools: this.#registry.mysqlPools };
    for (const [prop, given] of Object.entries({ redisPools, mysqlPools })) {
      const codes = prop === 'redisPools' ? known.redisPools : known.mysqlPools;
      for (const code of Object.keys(given)) {
        if (!codes.has(code)) {
          const list = [...codes.keys()].join(', ');
          throw propsError(`${prop}.${code}`, `the registry has no such pool, but ${list}`);
        }
      }
    }
  }

  #createExecutor({ mysqlPools }: CheckedProps): IFunction {
    const { lazyConcurrency, reserveExecutor, ledgerDatabase, ...settings } = this.#settings;
    checkConnections(this.#registry.mysqlPools, mysqlPools, lazyConcurrency);
    const bound = [...this.#registry.mysqlPools.values()].map((pool) => {
      const props = mysqlPools[pool.code] ?? { kind: 'existing' };
      return { code: pool.code, ...bindMysqlPool(this, this.network, pool, props, this.#removal) };
    });
    const executor = new ConsumerFunction(this, 'Executor', {
      ...this.#common('Executor'),
      entry: 'functions/sql-executor/handler.ts',
      description: 'Runs batches of SQL for the poller, each in one transaction',
      securityGroup: this.network.executorSecurityGroup,
      memoryMb: settings.executorMemoryMb,
      timeout: Duration.seconds(settings.executorTimeoutSeconds),
      reservedConcurrency: reserveExecutor ? lazyConcurrency + SPARE_EXECUTORS : undefined,
      configuration: {
        serviceName: `${this.#serviceName}-executor`,
        logLevel: settings.logLevel,
        mysqlPools: Object.fromEntries(bound.map(({ code, address }) => [code, address])),
        ledgerDatabase,
        secretMaxAgeSeconds: settings.secretMaxAgeSeconds,
      },
    });
    grantSecrets(executor, bound);
    return executor;
  }

  /** The one that drains, and the one that answers operations: the same unless the first is reserved. */
  #createPollers({ redisPools }: CheckedProps): [IFunction, IFunction] {
    const pools = [...this.#registry.redisPools.values()].map((pool) => {
      const props = redisPools[pool.code] ?? { kind: 'existing' };
      return { code: pool.code, ...bindRedisPool(this, this.network, pool, props, this.#removal) };
    });
    const addresses = Object.fromEntries(pools.map(({ code, address }) => [code, address]));
    const create = (id: string, description: string, reservedConcurrency?: number) => {
      const poller = this.#createPoller(id, description, addresses, reservedConcurrency);
      grantSecrets(poller, pools);
      // Not by grantInvoke, which would allow versions and aliases of the executor too.
      const bound = this.#channelFiles.boundFunctions.map((name) => functionArn(Stack.of(this), name));
      poller.addToRolePolicy(
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [this.executor.functionArn, ...bound],
        }),
      );
      return poller;
    };
    const { reservePoller } = this.#settings;
    const poller = create(
      'Poller',
      'Drains the streams into MySQL, every so often',
      reservePoller ? 1 : undefined,
    );
    return [poller, reservePoller ? create('Operations', 'Answers operations beside the poller') : poller];
  }

  #createPoller(id: string, description: string, redisPools: object, reservedConcurrency?: number) {
    const { budgetSeconds, pollerTimeoutSeconds, pollerMemoryMb, ...settings } = this.#settings;
    const { logLevel, ordering, lazyConcurrency, batchItems, allowedStatements, secretMaxAgeSeconds } =
      settings;
    return new ConsumerFunction(this, id, {
      ...this.#common(id),
      entry: 'functions/poller/handler.ts',
      description,
      securityGroup: this.network.pollerSecurityGroup,
      memoryMb: pollerMemoryMb,
      timeout: Duration.seconds(pollerTimeoutSeconds),
      reservedConcurrency,
      configuration: {
        ...{ logLevel, ordering, lazyConcurrency, batchItems, allowedStatements, secretMaxAgeSeconds },
        serviceName: this.#serviceName,
        mysqlPools: [...this.#registry.mysqlPools.keys()],
        redisPools,
        streams: streamsByPool(this.#registry),
        executor: this.executor.functionName,
        bindings: this.#channelFiles.bindings,
        search: this.#channelFiles.search,
        absentGroups: settings.absentGroups,
        isTail: settings.tail,
        budgetMs: budgetSeconds * 1000,
      },
    });
  }

  #common(id: string) {
    const { vpc, vpcSubnets } = this.network;
    const { architecture, logRetentionDays } = this.#settings;
    const logGroup = createLogGroup(this, `${id}Log`, logRetentionDays, this.#removal);
    return { vpc, vpcSubnets, architecture, logGroup };
  }

  #schedule(): void {
    const { enabled, scheduleMinutes } = this.#settings;
    const target = new LambdaFunction(this.poller, {
      event: RuleTargetInput.fromObject({ operation: 'drain' }),
      retryAttempts: 0,
      maxEventAge: Duration.seconds(60),
    });
    new Rule(this, 'Schedule', {
      description: 'Runs the poller; off while `enabled` is false',
      schedule: Schedule.rate(Duration.minutes(scheduleMinutes)),
      enabled,
      targets: [target],
    });
  }

  #output(values: Readonly<Record<string, string>>): void {
    for (const [id, value] of Object.entries(values)) new CfnOutput(this, id, { value });
  }

  get #removal(): RemovalPolicy {
    return this.#settings.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  }
}

function streamsByPool({ streams }: Registry): Record<string, Record<string, readonly string[]>> {
  const byPool: Record<string, Record<string, readonly string[]>> = {};
  for (const { name, redisPool, groups } of streams.values())
    byPool[redisPool] = { ...byPool[redisPool], [name]: groups };
  return byPool;
}
