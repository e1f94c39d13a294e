import type { MetricName } from './candidates/candidate.ts';

/** A bound for a candidate's median, or for its ratio to the median of another candidate in the same workload. */
export interface Goal {
  readonly metric: MetricName;
  readonly of: string;
  /** The candidate to compare with. */
  readonly against?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function isReached({ atLeast, atMost }: Goal, value: number): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

/** Describes a goal, for example `≥ 0.60`. */
export function describeGoal({ atLeast, atMost, against }: Goal): string {
  const digits = against === undefined ? 0 : 2;
  return [
    ...(atLeast === undefined ? [] : [`≥ ${format(atLeast, digits)}`]),
    ...(atMost === undefined ? [] : [`≤ ${format(atMost, digits)}`]),
  ].join(' ');
}

export function format(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
