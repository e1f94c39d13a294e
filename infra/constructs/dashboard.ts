import { Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { CHANNEL_NAMES, consumerMetric, type MetricOptions, type WatchedConsumer } from './metrics.ts';

/** A row of a dashboard is 24 units wide. */
const ROW_WIDTH = 24;
const HALF_WIDTH = ROW_WIDTH / 2;

export interface ConsumerDashboardProps {
  readonly watched: WatchedConsumer;
  /** Channels of own streams, shown alongside the built-in channels. */
  readonly boundChannels: readonly string[];
}

/** Shows the engineer on call what is waiting, what was done, what fails, and how close the limits are. */
export class ConsumerDashboard extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: ConsumerDashboardProps) {
    super(scope, id);
    const { settings, serviceName, poller, executor } = props.watched;
    const period = Duration.minutes(1);
    const byChannel = (name: string, statistic: MetricOptions['statistic']) =>
      [...CHANNEL_NAMES, ...props.boundChannels].map((channel) =>
        consumerMetric({ serviceName, name, statistic, channel }),
      );
    const dashboard = new Dashboard(this, 'Resource', { defaultInterval: Duration.hours(3) });
    dashboard.addWidgets(
      new TextWidget({ width: ROW_WIDTH, height: 2, markdown: introduction(serviceName) }),
    );
    dashboard.addWidgets(
      graph('Waiting entries: backlog (left) and pending (right)', {
        left: byChannel('Backlog', 'Maximum'),
        right: byChannel('Pending', 'Maximum'),
      }),
      graph('Age of the oldest entry (seconds)', { left: byChannel('OldestEntryAge', 'Maximum') }),
    );
    dashboard.addWidgets(
      graph('Entries (left) and statements (right) per minute', {
        left: byChannel('Entries', 'Sum'),
        right: byChannel('Statements', 'Sum'),
      }),
      graph('Dead letters: total (left) and new (right)', {
        left: byChannel('DeadLetters', 'Maximum'),
        right: byChannel('NewDeadLetters', 'Sum'),
      }),
    );
    dashboard.addWidgets(
      graph('Errors and throttles (left), executor retries (right)', {
        left: [
          poller.metricErrors({ period }),
          executor.metricErrors({ period }),
          executor.metricThrottles({ period }),
        ],
        right: [consumerMetric({ serviceName, name: 'ExecutorRetries', statistic: 'Sum' })],
      }),
      graph('Duration of a run (left) and its remaining budget (right), in ms', {
        left: [poller.metricDuration({ period, statistic: 'Maximum' })],
        right: [consumerMetric({ serviceName, name: 'BudgetLeft', statistic: 'Minimum' })],
        limit: settings.budgetSeconds * 1000,
      }),
    );
    dashboard.addWidgets(
      graph('Concurrent executors (limit: lazyConcurrency)', {
        left: [executor.metric('ConcurrentExecutions', { period, statistic: 'Maximum' })],
        limit: settings.lazyConcurrency,
      }),
      graph('Executor latency (ms)', {
        left: [
          consumerMetric({ serviceName, name: 'ExecutorLatency', statistic: 'Average' }),
          executor.metricDuration({ period, statistic: 'p99' }),
        ],
      }),
    );
    const { region } = Stack.of(this);
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards:name=${dashboard.dashboardName}`;
  }
}

interface GraphOptions {
  readonly left: IMetric[];
  readonly right?: IMetric[];
  /** Drawn as a horizontal line on the left axis. */
  readonly limit?: number;
}

function graph(title: string, { left, right = [], limit }: GraphOptions): GraphWidget {
  return new GraphWidget({
    title,
    width: HALF_WIDTH,
    left,
    right,
    leftAnnotations: limit === undefined ? [] : [{ value: limit, label: 'limit' }],
    leftYAxis: { min: 0 },
    rightYAxis: { min: 0 },
  });
}

function introduction(serviceName: string): string {
  return `**${serviceName}** applies the streams of a BeeORM application to MySQL. Waiting entries and dead letters are stored safely in Redis. For each alarm, docs/runbook.md says what to do.`;
}
