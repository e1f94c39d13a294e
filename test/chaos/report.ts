import { type Difference, describeDifferences } from '../kit/difference.ts';
import type { ChaosOptions, ChaosReport } from './chaos.ts';

/** Describes a run for people. The first line is the summary; its seed repeats the run. */
export function describeReport(
  { seed, broken }: Pick<ChaosOptions, 'seed' | 'broken'>,
  report: ChaosReport,
): string {
  const { faultCounts, seconds, workloads } = report;
  const { kills, inTailMode, network, pauses, restarts, foreign } = faultCounts;
  const differences = allDifferences(report);
  const lines = [
    `seed ${seed}, kills ${sum(kills)}, ${countDifferences(differences)}`,
    ...[...workloads].map(
      ([name, result]) =>
        `${name}: ${describeCounts(Object.entries(result.counts))}, ${countDifferences(result.differences)}`,
    ),
    `killed at ${describeSorted(kills)}`,
    `in tail mode ${inTailMode}, paused past the lock ${pauses}, servers restarted ${restarts}, network faults: ${describeSorted(network)}`,
    `other faults: ${describeSorted(foreign)}`,
    `${seconds.toFixed(0)} s${broken.length === 0 ? '' : `, without ${broken.join(', ')}`}`,
  ];
  return [...lines, ...(differences.length === 0 ? [] : ['', describeDifferences(differences)])].join('\n');
}

export function allDifferences({ failures, workloads }: ChaosReport): Difference[] {
  return [...failures, ...[...workloads.values()].flatMap(({ differences }) => differences)];
}

function countDifferences(differences: readonly Difference[]): string {
  const kinds = ['lost', 'duplicated', 'out of order'] as const;
  const counts = kinds.map(
    (kind) => `${kind} ${differences.filter((difference) => difference.kind === kind).length}`,
  );
  const others = differences.filter(({ kind }) => !kinds.some((known) => known === kind)).length;
  return [...counts, `other differences ${others}`].join(', ');
}

function describeSorted(counts: ReadonlyMap<string, number>): string {
  return describeCounts([...counts].toSorted(([one], [other]) => one.localeCompare(other))) || 'none';
}

function describeCounts(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([name, count]) => `${name} ${count}`).join(', ');
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
