import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Settings } from './settings.ts';

const NAMESPACE = 'BackgroundConsumer';

/** The built-in channels, by the names under which the poller reports them. */
export const CHANNEL_NAMES = ['lazy', 'log', 'search', 'garbage'] as const;

/** The consumer whose metrics alarms and dashboard watch. */
export interface WatchedConsumer {
  readonly settings: Settings;
  readonly serviceName: string;
  readonly poller: IFunction;
  readonly executor: IFunction;
}

export interface MetricOptions {
  readonly serviceName: string;
  readonly name: string;
  readonly statistic: 'Maximum' | 'Sum' | 'Average' | 'Minimum';
  /** Default: 1 minute. */
  readonly period?: Duration;
  /** Default: the metric of the poller as a whole. */
  readonly channel?: string;
}

/** A metric that the poller publishes. */
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
