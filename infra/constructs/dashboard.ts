import { Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { CHANNEL_NAMES, consumerMetric, type MetricOptions } from './metrics.ts';
import type { Settings } from './settings.ts';

const HALF = 12;

export interface ConsumerDashboardProps {
  readonly settings: Settings;
  readonly serviceName: string;
  readonly poller: IFunction;
  readonly executor: IFunction;
  /** Of own streams, beside the ones that every poller has. */
  readonly boundChannels: readonly string[];
}

/** For a person on call: what waits, what is done, what fails, and how near the limits are. */
export class ConsumerDashboard extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: ConsumerDashboardProps) {
    super(scope, id);
    const { settings, poller, executor, serviceName } = props;
    const period = Duration.minutes(1);
    const byChannel = (name: string, statistic: MetricOptions['statistic']) =>
      [...CHANNEL_NAMES, ...props.boundChannels].map((channel) =>
        consumerMetric({ serviceName, name, statistic, channel }),
      );
    const dashboard = new Dashboard(this, 'Resource', { defaultInterval: Duration.hours(3) });
    dashboard.addWidgets(new TextWidget({ width: 24, height: 2, markdown: introduction(serviceName) }));
    dashboard.addWidgets(
      graph(
        'Entries that wait, by channel',
        byChannel('Backlog', 'Maximum'),
        byChannel('Pending', 'Maximum'),
      ),
      graph('Age of the oldest entry, in seconds', byChannel('OldestEntryAge', 'Maximum')),
    );
    dashboard.addWidgets(
      graph('Entries and statements a minute', byChannel('Entries', 'Sum'), byChannel('Statements', 'Sum')),
      graph(
        'Dead letters: all, and new ones',
        byChannel('DeadLetters', 'Maximum'),
        byChannel('NewDeadLetters', 'Sum'),
      ),
    );
    dashboard.addWidgets(
      graph(
        'Errors',
        [
          poller.metricErrors({ period }),
          executor.metricErrors({ period }),
          executor.metricThrottles({ period }),
        ],
        [consumerMetric({ serviceName, name: 'ExecutorRetries', statistic: 'Sum' })],
      ),
      graph(
        'Duration of a run, and what was left of its budget, in ms',
        [poller.metricDuration({ period, statistic: 'Maximum' })],
        [consumerMetric({ serviceName, name: 'BudgetLeft', statistic: 'Minimum' })],
        settings.budgetSeconds * 1000,
      ),
    );
    dashboard.addWidgets(
      graph(
        'Executors at once, against lazyConcurrency',
        [executor.metric('ConcurrentExecutions', { period, statistic: 'Maximum' })],
        [],
        settings.lazyConcurrency,
      ),
      graph('Latency of the executor, in ms', [
        consumerMetric({ serviceName, name: 'ExecutorLatency', statistic: 'Average' }),
        executor.metricDuration({ period, statistic: 'p99' }),
      ]),
    );
    const { region } = Stack.of(this);
    this.url = `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards:name=${dashboard.dashboardName}`;
  }
}

function graph(title: string, left: IMetric[], right: IMetric[] = [], limit?: number): GraphWidget {
  return new GraphWidget({
    title,
    width: HALF,
    left,
    right: right.map((metric) => metric),
    leftAnnotations: limit === undefined ? [] : [{ value: limit, label: 'limit' }],
    leftYAxis: { min: 0 },
    rightYAxis: { min: 0 },
  });
}

function introduction(serviceName: string): string {
  return `**${serviceName}**: a BeeORM application's streams on their way into MySQL. Entries that wait are safe in Redis; dead letters are safe beside them. What to do about an alarm: docs/runbook.md.`;
}
