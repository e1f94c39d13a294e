import { type Difference, describeDifferences } from '../kit/difference.ts';
import type { ChaosOptions, ChaosReport } from './chaos.ts';

/** For people. The first line says all that matters; with its seed the run can be repeated. */
export function describeReport(
  { seed, broken }: Pick<ChaosOptions, 'seed' | 'broken'>,
  report: ChaosReport,
): string {
  const { entries, kills, faults, pauses, restarts, seconds, differences } = report;
  const lines = [
    `seed ${seed}, kills ${sum(kills)}, entries ${entries}, ${countsOf(differences)}`,
    `killed at ${describeCounts(kills)}`,
    `paused past the lock ${pauses}, servers restarted ${restarts}, network: ${describeCounts(faults)}`,
    `${seconds.toFixed(0)} s${broken === null ? '' : `, without ${broken}`}`,
  ];
  return [...lines, ...(differences.length === 0 ? [] : ['', describeDifferences(differences)])].join('\n');
}

function countsOf(differences: readonly Difference[]): string {
  const kinds = ['lost', 'doubled', 'out of order'] as const;
  const counts = kinds.map(
    (kind) => `${kind} ${differences.filter((difference) => difference.kind === kind).length}`,
  );
  const others = differences.filter(({ kind }) => !kinds.some((known) => known === kind)).length;
  return [...counts, `otherwise different ${others}`].join(', ');
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return (
    [...counts]
      .map(([name, count]) => `${name} ${count}`)
      .toSorted()
      .join(', ') || 'none'
  );
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
