import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import type { ChannelState } from '../../../shared/operations.ts';
import type { InvocationFailure } from './invocation-errors.ts';

/** CloudWatch bills each combination of name and dimension values as a metric, so there are few of them. */
export const METRIC_NAMESPACE = 'BackgroundConsumer';

/** Reading stops some seconds before the budget ends, so an entry may have waited this long at the end of a tail. */
const TAIL_MAX_AGE_SECONDS = 15;

/** Counts the invocations of the SQL executor in one drain. */
export class InvocationCounts {
  #count = 0;
  #totalMs = 0;
  readonly #failures: Record<string, number> = {};

  readonly add = (ms: number, failure: InvocationFailure | undefined): void => {
    this.#count++;
    this.#totalMs += ms;
    if (failure !== undefined) this.#failures[failure.code] = (this.#failures[failure.code] ?? 0) + 1;
  };

  /** Number of failed invocations, whose work must be retried or looked up. */
  get retried(): number {
    return Object.values(this.#failures).reduce((sum, count) => sum + count, 0);
  }

  /** Number of failed invocations by error name or code. */
  get failures(): Readonly<Record<string, number>> {
    return this.#failures;
  }

  /** Undefined if there were no invocations. */
  get averageMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#totalMs / this.#count;
  }
}

/** Measurements of one drain. */
export interface DrainMeasures {
  /** Undefined if the whole drain failed. */
  readonly summary: DrainSummary | undefined;
  /** Only the channels that could be read. */
  readonly channels: readonly ChannelState[];
  readonly invocations: InvocationCounts;
  readonly remainingBudgetMs: number;
  /** True if the drain reads until its budget ends, even if there is nothing to read. */
  readonly isTail: boolean;
}

/** Writes metrics to the log, from which CloudWatch extracts them (embedded metric format). */
export class DrainMetrics {
  readonly #metrics: Metrics;

  /** `metrics`: replaced by tests that check the output. */
  constructor(serviceName: string, metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName })) {
    this.#metrics = metrics;
  }

  /** Alarms use the metrics of the whole poller, and dashboards those of each channel. */
  publish({ summary, channels, invocations, remainingBudgetMs, isTail }: DrainMeasures): void {
    const oldestAge = channels.length === 0 ? undefined : Math.max(...channels.map(ageOf));
    // If a stream is never empty, the entries that arrived while a tail was ending remain.
    const isBehind = !isTail || oldestAge === undefined || oldestAge > TAIL_MAX_AGE_SECONDS;
    const isFailed = summary === undefined || summary.reason === 'pool-down';
    this.#metrics
      .addMetric('DrainFailed', MetricUnit.Count, Number(isFailed))
      .addMetric('ExecutorRetries', MetricUnit.Count, invocations.retried);
    // A drain that finds the lock held would report a budget that is never used up.
    if (summary?.reason !== 'locked') {
      this.#metrics
        .addMetric('BudgetUsedUp', MetricUnit.Count, Number(summary?.reason === 'budget' && isBehind))
        .addMetric('BudgetLeft', MetricUnit.Milliseconds, remainingBudgetMs);
    }
    if (invocations.averageMs !== undefined)
      this.#metrics.addMetric('ExecutorLatency', MetricUnit.Milliseconds, invocations.averageMs);
    if (oldestAge !== undefined) this.#metrics.addMetric('OldestEntryAge', MetricUnit.Seconds, oldestAge);
    const deadLetters = Object.values(summary?.channels ?? {}).map((channel) => channel.deadLetters);
    this.#addUnlessZero(
      'NewDeadLetters',
      deadLetters.reduce((sum, count) => sum + count, 0),
    );
    this.#metrics.publishStoredMetrics();
    for (const state of channels) this.#publishChannel(state, summary);
  }

  /** Metrics that are mostly 0 are omitted when they are 0, because CloudWatch bills each metric per hour in which it is written. */
  #publishChannel(state: ChannelState, summary: DrainSummary | undefined): void {
    const done = summary?.channels[state.channel];
    this.#metrics
      .addDimension('channel', state.channel)
      .addMetric('Pending', MetricUnit.Count, state.pending)
      .addMetric('OldestEntryAge', MetricUnit.Seconds, state.oldestAgeSeconds);
    if (state.backlog !== null) this.#metrics.addMetric('Backlog', MetricUnit.Count, state.backlog);
    this.#addUnlessZero('DeadLetters', state.deadLetters);
    this.#addUnlessZero('NewDeadLetters', done?.deadLetters ?? 0);
    this.#addUnlessZero('Entries', done?.entries ?? 0);
    this.#addUnlessZero('Statements', done?.statements ?? 0);
    this.#metrics.publishStoredMetrics();
  }

  #addUnlessZero(name: string, count: number): void {
    if (count > 0) this.#metrics.addMetric(name, MetricUnit.Count, count);
  }
}

function ageOf({ oldestAgeSeconds }: ChannelState): number {
  return oldestAgeSeconds;
}
