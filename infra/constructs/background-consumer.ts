import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { readRegistrySync } from '../../shared/registry/read-registry.ts';
import { ConsumerAlarms } from './alarms.ts';
import { readChannelFiles, warnAboutLongHandlers } from './channel-files.ts';
import { checkPoolCodes, checkProps } from './check-props.ts';
import type { ConsumerContext } from './consumer-context.ts';
import { ConsumerDashboard } from './dashboard.ts';
import { createExecutor } from './executor-function.ts';
import { Network } from './network.ts';
import { createPollers } from './poller-functions.ts';
import type { BackgroundConsumerProps } from './props.ts';
import type { Settings } from './settings.ts';

/**
 * The background consumer of one BeeORM application: the poller, the SQL executor, their schedule, network, alarms and
 * dashboard, and the servers to create. Invalid props are reported at synth, each with its path.
 */
export class BackgroundConsumer extends Construct {
  readonly network: Network;
  /** The function that drains the streams. */
  readonly poller: IFunction;
  /** The function that answers `status`, `dead-letters` and so on: the poller itself, unless `reservePoller` is set. */
  readonly operations: IFunction;
  readonly executor: IFunction;

  constructor(scope: Construct, id: string, props: BackgroundConsumerProps) {
    super(scope, id);
    const checked = checkProps(id, props);
    const { settings, redisPools, mysqlPools, vpc, vpcSubnets, endpoints } = checked;
    const registry = readRegistrySync(checked.registry);
    const channelFiles = readChannelFiles(checked, registry);
    warnAboutLongHandlers(this, channelFiles.bindings, settings.budgetSeconds);
    checkPoolCodes('redisPools', redisPools, registry.redisPools);
    checkPoolCodes('mysqlPools', mysqlPools, registry.mysqlPools);
    // The construct ID distinguishes two consumers in one stack. Otherwise their alarms would watch shared metrics.
    const serviceName = checked.serviceName ?? `${Stack.of(this).stackName}-${id}`;
    this.network = new Network(this, 'Network', { vpc, vpcSubnets, endpoints });
    const context: ConsumerContext = {
      settings,
      registry,
      serviceName,
      network: this.network,
      removal: settings.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    };
    const executor = createExecutor(this, context, mysqlPools);
    const options = { poolProps: redisPools, channelFiles, executor };
    const { poller, operations } = createPollers(this, context, options);
    this.#schedule(poller, settings);
    const { boundChannels } = channelFiles;
    const watched = { settings, serviceName, poller, executor };
    const dashboard = new ConsumerDashboard(this, 'Dashboard', { watched, boundChannels });
    const { alarmTopic, declinedAlarms } = checked;
    new ConsumerAlarms(this, 'Alarms', { watched, alarmTopic, declinedAlarms });
    new CfnOutput(this, 'Function', { value: operations.functionName });
    new CfnOutput(this, 'PollerFunction', { value: poller.functionName });
    new CfnOutput(this, 'ExecutorFunction', { value: executor.functionName });
    new CfnOutput(this, 'DashboardUrl', { value: dashboard.url });
    this.poller = poller;
    this.operations = operations;
    this.executor = executor;
  }

  #schedule(poller: IFunction, { enabled, scheduleMinutes }: Settings): void {
    const target = new LambdaFunction(poller, {
      event: RuleTargetInput.fromObject({ operation: 'drain' }),
      retryAttempts: 0,
      maxEventAge: Duration.seconds(60),
    });
    new Rule(this, 'Schedule', {
      description: 'Runs the poller. Disabled while the setting `enabled` is false.',
      schedule: Schedule.rate(Duration.minutes(scheduleMinutes)),
      enabled,
      targets: [target],
    });
  }
}
