import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

const NAMESPACE = 'BackgroundConsumer';

/** The channels that the poller measures, by their names in its summaries. */
export const CHANNEL_NAMES = ['lazy', 'log', 'search', 'garbage'] as const;

export interface MetricOptions {
  readonly serviceName: string;
  readonly name: string;
  readonly statistic: 'Maximum' | 'Sum' | 'Average' | 'Minimum';
  readonly period?: Duration;
  /** Left out: of the poller as a whole. */
  readonly channel?: string;
}

/** A metric that the poller writes. */
export function consumerMetric({ serviceName, name, statistic, period, channel }: MetricOptions): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName: name,
    statistic,
    period: period ?? Duration.minutes(1),
    label: channel ?? name,
    dimensionsMap: { service: serviceName, ...(channel === undefined ? {} : { channel }) },
  });
}
