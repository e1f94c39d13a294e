import type { MetricName } from './candidates/candidate.ts';

/** What must be reached: of a contestant's median, alone or as a share of another one's in the same run. */
export interface Goal {
  readonly metric: MetricName;
  readonly of: string;
  readonly against?: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export function isReached({ atLeast, atMost }: Goal, value: number): boolean {
  return (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
}

/** `≥ 0.60`. */
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
