import {
  type Contestant,
  type Figures,
  METRIC_NAMES,
  METRICS,
  type MetricName,
} from './candidates/candidate.ts';
import { format, type Goal, isReached } from './goals.ts';
import { type Summary, summarize } from './statistics.ts';
import type { Bench, Workload } from './workloads/workload.ts';

/** All that one workload gave. */
export interface WorkloadResult {
  readonly workload: string;
  readonly title: string;
  readonly measurements: readonly Measurement[];
  readonly goals: readonly GoalResult[];
  /** Who is missing, and why. */
  readonly absences: readonly string[];
}

export interface Measurement {
  readonly contestant: string;
  readonly metric: MetricName;
  readonly values: readonly number[];
  readonly summary: Summary;
}

export interface GoalResult {
  readonly goal: Goal;
  /** The median, or the ratio of the medians. */
  readonly value: number;
  readonly isReached: boolean;
}

const MAX_REASON_LENGTH = 160;

export type Say = (line: string) => void;

/**
 * Lets a workload's contestants work in turn, as many rounds as there are runs, so that all meet the same weather. One
 * that fails is out of the race, with all that it did before.
 */
export async function measureWorkload(
  workload: Workload,
  bench: Bench,
  runs: number,
  say: Say,
): Promise<WorkloadResult> {
  const { name, title, goals } = workload;
  const absences: string[] = [];
  const isOut = (contestant: string, why: string) => {
    const reason = firstLine(why);
    absences.push(`${contestant}: ${reason}`);
    say(`${name}: ${contestant} is out: ${reason}`);
  };
  const turns = new Map<Contestant, Figures[]>();
  for (const contestant of await workload.contestants(bench)) {
    if ('turn' in contestant) turns.set(contestant, []);
    else isOut(contestant.name, contestant.absence);
  }
  for (let round = 1; round <= runs; round++) {
    for (const [contestant, figures] of turns) {
      try {
        const turn = await contestant.turn();
        figures.push(turn);
        say(`${name}: round ${round} of ${runs}, ${contestant.name}: ${describeFigures(turn)}`);
      } catch (error) {
        turns.delete(contestant);
        isOut(contestant.name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  const measurements = [...turns].flatMap(([contestant, figures]) =>
    toMeasurements(contestant.name, figures),
  );
  return {
    workload: name,
    title,
    measurements,
    goals: goals.flatMap((goal) => judge(goal, measurements)),
    absences,
  };
}

function describeFigures(figures: Figures): string {
  return METRIC_NAMES.flatMap((metric) => {
    const value = figures[metric];
    if (value === undefined) return [];
    const { unit, digits } = METRICS[metric];
    return [`${metric} ${format(value, digits)}${unit}`];
  }).join(', ');
}

/** A failed process says a lot, source code included. */
function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MAX_REASON_LENGTH);
}

function toMeasurements(contestant: string, figures: readonly Figures[]): Measurement[] {
  return METRIC_NAMES.flatMap((metric) => {
    const values = figures.flatMap((turn) => turn[metric] ?? []);
    return values.length === 0 ? [] : [{ contestant, metric, values, summary: summarize(values) }];
  });
}

/** Nothing where one of the two was not there. */
function judge(goal: Goal, measurements: readonly Measurement[]): GoalResult[] {
  const median = (name: string) =>
    measurements.find(({ contestant, metric }) => contestant === name && metric === goal.metric)?.summary
      .median;
  const own = median(goal.of);
  const other = goal.against === undefined ? 1 : median(goal.against);
  if (own === undefined || other === undefined) return [];
  const value = own / other;
  return [{ goal, value, isReached: isReached(goal, value) }];
}
