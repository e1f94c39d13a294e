import type { Measurement, WorkloadResult } from './measure.ts';

/** Results as `--json` prints them. Scripts that compare two runs read these field names, so they do not change. */
export function toJsonResults(results: readonly WorkloadResult[]) {
  return results.map(({ workload, title, measurements, goals, unavailable }) => ({
    workload,
    title,
    measurements: measurements.map(toJsonMeasurement),
    goals,
    absences: unavailable,
  }));
}

function toJsonMeasurement({ candidate, metric, values, summary: { median, min, max } }: Measurement) {
  return { contestant: candidate, metric, values, summary: { median, least: min, most: max } };
}
