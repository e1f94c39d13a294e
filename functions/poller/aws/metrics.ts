import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { DrainSummary } from '../../../shared/drain-summary.ts';
import type { ChannelState } from '../../../shared/operations.ts';
import type { InvocationFailure } from './invocation-errors.ts';

/** Each name times the values of its dimensions is a metric that costs money: few of them, on purpose. */
export const METRIC_NAMESPACE = 'BackgroundConsumer';

/** Reading ends some seconds before the budget does, and those are how long an entry may then have waited. */
const TAIL_LEAVES_SECONDS = 15;

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

  /** Invocations whose work has to be tried again or looked up. */
  get retried(): number {
    return Object.values(this.#failures).reduce((sum, count) => sum + count, 0);
  }

  /** How many failed, by the error's name or code. */
  get failures(): Readonly<Record<string, number>> {
    return this.#failures;
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
  /** Whether it was to read until its budget ended, however little there was. */
  readonly isTail: boolean;
}

/** Writes metrics into the log, from where CloudWatch takes them (embedded metric format). */
export class DrainMetrics {
  readonly #metrics: Metrics;

  /** `metrics`: tests give in one whose output they read. */
  constructor(serviceName: string, metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName })) {
    this.#metrics = metrics;
  }

  /** Alarms watch the poller's own metrics, which stand for all channels; people look at those by channel. */
  publish({ summary, channels, invocations, budgetLeftMs, isTail }: DrainMeasures): void {
    const oldestAge = channels.length === 0 ? undefined : Math.max(...channels.map(ageOf));
    // In a stream that is never empty a tail leaves what came in while it ended.
    const isBehind = !isTail || oldestAge === undefined || oldestAge > TAIL_LEAVES_SECONDS;
    const isFailed = summary === undefined || summary.reason === 'pool-down';
    this.#metrics
      .addMetric('DrainFailed', MetricUnit.Count, Number(isFailed))
      .addMetric('ExecutorRetries', MetricUnit.Count, invocations.retried);
    // One that meets another poller at work would tell of a budget that is never used up.
    if (summary?.reason !== 'locked') {
      this.#metrics
        .addMetric('BudgetUsedUp', MetricUnit.Count, Number(summary?.reason === 'budget' && isBehind))
        .addMetric('BudgetLeft', MetricUnit.Milliseconds, budgetLeftMs);
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

  /** What is mostly 0 is written only when it isn't: a metric costs for the hours in which it is written. */
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
