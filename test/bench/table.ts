import Table from 'cli-table3';
import { METRICS, type MetricName } from './candidates/candidate.ts';
import { describeGoal, format } from './goals.ts';
import type { GoalResult, Measurement, WorkloadResult } from './measure.ts';

/** Measured for `--json` and the cost of Lambda, but no line of their own. */
const ASIDE: ReadonlySet<MetricName> = new Set([
  'items per batch',
  'time per batch',
  'processor time per entry',
]);

const HEAD = ['', 'median', 'range', 'compared', 'goal', ''];

/** One line for each contestant and metric; a ratio stands with the one that it is taken against. */
export function formatResults(results: readonly WorkloadResult[]): string {
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head: HEAD, style, colAligns: ['left', 'right', 'right'] });
  for (const result of results) {
    table.push([{ colSpan: HEAD.length, content: `${result.workload}: ${result.title}` }]);
    for (const measurement of shown(result)) table.push(...lines(measurement, goalsOf(result, measurement)));
    for (const absence of result.absences)
      table.push([{ colSpan: HEAD.length, content: `  without ${absence}` }]);
  }
  return table.toString();
}

/** Metrics that no goal speaks of are left out, but for the rate where there is one. */
function shown({ measurements, goals }: WorkloadResult): Measurement[] {
  const spokenOf = new Set<MetricName>(goals.map(({ goal }) => goal.metric));
  return measurements.filter(
    ({ metric }) => metric === 'rate' || (spokenOf.has(metric) && !ASIDE.has(metric)),
  );
}

function goalsOf({ goals }: WorkloadResult, { contestant, metric }: Measurement): GoalResult[] {
  return goals.filter(({ goal }) => goal.metric === metric && (goal.against ?? goal.of) === contestant);
}

function lines(measurement: Measurement, goals: readonly GoalResult[]): string[][] {
  const { contestant, metric, summary } = measurement;
  const { unit, digits } = METRICS[metric];
  const figures = [
    `  ${contestant}${metric === 'rate' ? '' : `: ${metric}`}`,
    `${format(summary.median, digits)}${unit}`,
    `${format(summary.least, digits)} to ${format(summary.most, digits)}`,
  ];
  const [first, ...others] = goals.map(goalCells);
  return [[...figures, ...(first ?? ['', '', ''])], ...others.map((cells) => ['', '', '', ...cells])];
}

function goalCells({ goal, value, isReached }: GoalResult): string[] {
  const compared = goal.against === undefined ? '' : `${goal.of}: ${format(value, 2)} times`;
  return [compared, describeGoal(goal), isReached ? 'reached' : 'missed'];
}
