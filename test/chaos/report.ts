import { type Difference, describeDifferences } from '../kit/difference.ts';
import type { ChaosOptions, ChaosReport } from './chaos.ts';

/** For people. The first line says all that matters; with its seed the run can be repeated. */
export function describeReport(
  { seed, broken }: Pick<ChaosOptions, 'seed' | 'broken'>,
  report: ChaosReport,
): string {
  const { kills, inTailMode, faults, pauses, restarts, seconds, subjects } = report;
  const differences = allDifferences(report);
  const lines = [
    `seed ${seed}, kills ${sum(kills)}, ${differencesBriefly(differences)}`,
    ...[...subjects].map(
      ([name, { counts, differences: its }]) =>
        `${name}: ${describeCounts(Object.entries(counts))}, ${differencesBriefly(its)}`,
    ),
    `killed at ${sortedCounts(kills)}`,
    `in tail mode ${inTailMode}, paused past the lock ${pauses}, servers restarted ${restarts}, network: ${sortedCounts(faults)}`,
    `${seconds.toFixed(0)} s${broken.length === 0 ? '' : `, without ${broken.join(', ')}`}`,
  ];
  return [...lines, ...(differences.length === 0 ? [] : ['', describeDifferences(differences)])].join('\n');
}

export function allDifferences({ failures, subjects }: ChaosReport): Difference[] {
  return [...failures, ...[...subjects.values()].flatMap(({ differences }) => differences)];
}

function differencesBriefly(differences: readonly Difference[]): string {
  const kinds = ['lost', 'duplicated', 'out of order'] as const;
  const counts = kinds.map(
    (kind) => `${kind} ${differences.filter((difference) => difference.kind === kind).length}`,
  );
  const others = differences.filter(({ kind }) => !kinds.some((known) => known === kind)).length;
  return [...counts, `otherwise different ${others}`].join(', ');
}

function sortedCounts(counts: ReadonlyMap<string, number>): string {
  return describeCounts([...counts].toSorted(([one], [other]) => one.localeCompare(other))) || 'none';
}

function describeCounts(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([name, count]) => `${name} ${count}`).join(', ');
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
