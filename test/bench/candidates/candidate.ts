/** Somebody who does a workload's work. */
export interface Contestant {
  readonly name: string;
  /** Does the work once, from a fresh state, and checks that it is done. */
  turn(): Promise<Figures>;
}

/** A contestant that can't be had here, and why. */
export interface Absentee {
  readonly name: string;
  readonly absence: string;
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

/** What a turn measured, by metric. */
export type Figures = Readonly<Partial<Record<MetricName, number>>>;

/** Rates are entries a second. */
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
