import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { ChannelState } from '../../shared/operations.ts';
import type { InvocationFailure } from './invocation-errors.ts';
import type { DrainSummary } from './summary.ts';

/** Each name times the values of its dimensions is a metric that costs money: few of them, on purpose. */
export const METRIC_NAMESPACE = 'BackgroundConsumer';

/** Counts the invocations of the SQL executor in one drain. */
export class InvocationCounts {
  #count = 0;
  #retried = 0;
  #totalMs = 0;

  readonly add = (ms: number, failure: InvocationFailure | undefined): void => {
    this.#count++;
    this.#totalMs += ms;
    if (failure !== undefined) this.#retried++;
  };

  /** Invocations whose work has to be tried again or looked up. */
  get retried(): number {
    return this.#retried;
  }

  /** Undefined where none was made. */
  get averageMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#totalMs / this.#count;
  }
}

/** What one run of the poller is measured by. */
export interface DrainMeasures {
  /** Undefined where the drain failed as a whole. */
  readonly summary: DrainSummary | undefined;
  /** Of the channels that could be read. */
  readonly channels: readonly ChannelState[];
  readonly invocations: InvocationCounts;
  readonly budgetLeftMs: number;
}

/** Writes metrics into the log, from where CloudWatch takes them (embedded metric format). */
export class DrainMetrics {
  readonly #metrics: Metrics;

  /** `metrics`: tests give in one whose output they read. */
  constructor(serviceName: string, metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName })) {
    this.#metrics = metrics;
  }

  publish({ summary, channels, invocations, budgetLeftMs }: DrainMeasures): void {
    const isFailed = summary === undefined || summary.reason === 'pool-down';
    this.#metrics
      .addMetric('DrainFailed', MetricUnit.Count, Number(isFailed))
      .addMetric('BudgetUsedUp', MetricUnit.Count, Number(summary?.reason === 'budget'))
      .addMetric('BudgetLeft', MetricUnit.Milliseconds, budgetLeftMs)
      .addMetric('ExecutorRetries', MetricUnit.Count, invocations.retried);
    if (invocations.averageMs !== undefined) {
      this.#metrics.addMetric('ExecutorLatency', MetricUnit.Milliseconds, invocations.averageMs);
    }
    this.#metrics.publishStoredMetrics();
    for (const state of channels) this.#publishChannel(state, summary);
  }

  #publishChannel(state: ChannelState, summary: DrainSummary | undefined): void {
    const done = summary?.channels[state.channel];
    this.#metrics
      .addDimension('channel', state.channel)
      .addMetric('Pending', MetricUnit.Count, state.pending)
      .addMetric('OldestEntryAge', MetricUnit.Seconds, state.oldestAgeSeconds)
      .addMetric('DeadLetters', MetricUnit.Count, state.deadLetters)
      .addMetric('NewDeadLetters', MetricUnit.Count, done?.deadLetters ?? 0)
      .addMetric('Entries', MetricUnit.Count, done?.entries ?? 0)
      .addMetric('Statements', MetricUnit.Count, done?.statements ?? 0);
    if (state.backlog !== null) this.#metrics.addMetric('Backlog', MetricUnit.Count, state.backlog);
    this.#metrics.publishStoredMetrics();
  }
}
