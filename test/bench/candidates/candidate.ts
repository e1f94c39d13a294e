/** A program, or a variant of this project's consumer, that a workload measures. */
export interface Candidate {
  readonly name: string;
  /** Does the work once, starting from a fresh state, and verifies that it is done. */
  run(): Promise<Figures>;
}

/** A candidate that cannot run on this machine. */
export interface UnavailableCandidate {
  readonly name: string;
  readonly reason: string;
}

export const METRIC_NAMES = [
  'rate',
  'time per entry',
  'processor time per entry',
  'peak memory',
  'items per batch',
  'time per batch',
  'latency p50',
  'latency p99',
  'import time',
  'bundle size',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** What one run measured, by metric. */
export type Figures = Readonly<Partial<Record<MetricName, number>>>;

/** A rate is in entries per second. */
export const METRICS: Readonly<Record<MetricName, { readonly unit: string; readonly digits: number }>> = {
  rate: { unit: '/s', digits: 0 },
  'time per entry': { unit: ' µs', digits: 1 },
  'processor time per entry': { unit: ' µs', digits: 1 },
  'peak memory': { unit: ' MB', digits: 0 },
  'items per batch': { unit: '', digits: 0 },
  'time per batch': { unit: ' ms', digits: 1 },
  'latency p50': { unit: ' ms', digits: 1 },
  'latency p99': { unit: ' ms', digits: 1 },
  'import time': { unit: ' ms', digits: 0 },
  'bundle size': { unit: ' MB', digits: 2 },
};
