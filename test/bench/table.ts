import Table from 'cli-table3';
import { METRICS, type MetricName } from './candidates/candidate.ts';
import { describeGoal, format } from './goals.ts';
import type { GoalResult, Measurement, WorkloadResult } from './measure.ts';

/** Measured for `--json` and for the cost on Lambda, but not shown in the table. */
const HIDDEN: ReadonlySet<MetricName> = new Set([
  'items per batch',
  'time per batch',
  'processor time per entry',
]);

const HEAD = ['', 'median', 'range', 'compared', 'goal', ''];

/** One line per candidate and metric. A ratio is shown on the line of the candidate that it is compared with. */
export function formatResults(results: readonly WorkloadResult[]): string {
  const style = { head: [], border: [], compact: true };
  const table = new Table({ head: HEAD, style, colAligns: ['left', 'right', 'right'] });
  for (const result of results) {
    table.push([{ colSpan: HEAD.length, content: `${result.workload}: ${result.title}` }]);
    for (const measurement of shown(result)) table.push(...lines(measurement, goalsOf(result, measurement)));
    for (const reason of result.unavailable)
      table.push([{ colSpan: HEAD.length, content: `  excluded: ${reason}` }]);
  }
  return table.toString();
}

/** Shows rates, and the other metrics that have a goal. */
function shown({ measurements, goals }: WorkloadResult): Measurement[] {
  const withGoal = new Set<MetricName>(goals.map(({ goal }) => goal.metric));
  return measurements.filter(
    ({ metric }) => metric === 'rate' || (withGoal.has(metric) && !HIDDEN.has(metric)),
  );
}

function goalsOf({ goals }: WorkloadResult, { candidate, metric }: Measurement): GoalResult[] {
  return goals.filter(({ goal }) => goal.metric === metric && (goal.against ?? goal.of) === candidate);
}

function lines(measurement: Measurement, goals: readonly GoalResult[]): string[][] {
  const { candidate, metric, summary } = measurement;
  const { unit, digits } = METRICS[metric];
  const figures = [
    `  ${candidate}${metric === 'rate' ? '' : `: ${metric}`}`,
    `${format(summary.median, digits)}${unit}`,
    `${format(summary.min, digits)} to ${format(summary.max, digits)}`,
  ];
  const [first, ...others] = goals.map(goalCells);
  return [[...figures, ...(first ?? ['', '', ''])], ...others.map((cells) => ['', '', '', ...cells])];
}

function goalCells({ goal, value, isReached }: GoalResult): string[] {
  const compared = goal.against === undefined ? '' : `${goal.of}: ${format(value, 2)} times`;
  return [compared, describeGoal(goal), isReached ? 'reached' : 'missed'];
}
