import {
  type Candidate,
  type Figures,
  METRIC_NAMES,
  METRICS,
  type MetricName,
} from './candidates/candidate.ts';
import { format, type Goal, isReached } from './goals.ts';
import { type Summary, summarize } from './statistics.ts';
import type { Bench, Workload } from './workloads/workload.ts';

export interface WorkloadResult {
  readonly workload: string;
  readonly title: string;
  readonly measurements: readonly Measurement[];
  readonly goals: readonly GoalResult[];
  /** Candidates without measurements, each with the reason. */
  readonly unavailable: readonly string[];
}

export interface Measurement {
  readonly candidate: string;
  readonly metric: MetricName;
  readonly values: readonly number[];
  readonly summary: Summary;
}

export interface GoalResult {
  readonly goal: Goal;
  /** The median, or the ratio of two medians. */
  readonly value: number;
  readonly isReached: boolean;
}

const MAX_REASON_LENGTH = 160;

export type Log = (line: string) => void;

/**
 * Runs all candidates of a workload in several rounds, one candidate after another, so that changes in the machine's
 * load affect all of them alike. A candidate that fails is excluded, with everything that it measured before.
 */
export async function measureWorkload(
  workload: Workload,
  bench: Bench,
  runs: number,
  log: Log,
): Promise<WorkloadResult> {
  const { name, title, goals } = workload;
  const unavailable: string[] = [];
  const exclude = (candidate: string, error: string) => {
    const reason = firstLine(error);
    unavailable.push(`${candidate}: ${reason}`);
    log(`${name}: ${candidate} is excluded: ${reason}`);
  };
  const figuresOf = new Map<Candidate, Figures[]>();
  for (const candidate of await workload.candidates(bench)) {
    if ('run' in candidate) figuresOf.set(candidate, []);
    else exclude(candidate.name, candidate.reason);
  }
  for (let round = 1; round <= runs; round++) {
    for (const [candidate, allFigures] of figuresOf) {
      try {
        const figures = await candidate.run();
        allFigures.push(figures);
        log(`${name}: round ${round} of ${runs}, ${candidate.name}: ${describeFigures(figures)}`);
      } catch (error) {
        figuresOf.delete(candidate);
        exclude(candidate.name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  const measurements = [...figuresOf].flatMap(([candidate, figures]) =>
    toMeasurements(candidate.name, figures),
  );
  return {
    workload: name,
    title,
    measurements,
    goals: goals.flatMap((goal) => evaluate(goal, measurements)),
    unavailable,
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

/** The message of a failed process can be long and even contain source code. */
function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, MAX_REASON_LENGTH);
}

function toMeasurements(candidate: string, figures: readonly Figures[]): Measurement[] {
  return METRIC_NAMES.flatMap((metric) => {
    const values = figures.flatMap((run) => run[metric] ?? []);
    return values.length === 0 ? [] : [{ candidate, metric, values, summary: summarize(values) }];
  });
}

/** Returns an empty list if one of the goal's candidates has no measurement. */
function evaluate(goal: Goal, measurements: readonly Measurement[]): GoalResult[] {
  const median = (name: string) =>
    measurements.find(({ candidate, metric }) => candidate === name && metric === goal.metric)?.summary
      .median;
  const own = median(goal.of);
  const other = goal.against === undefined ? 1 : median(goal.against);
  if (own === undefined || other === undefined) return [];
  const value = own / other;
  return [{ goal, value, isReached: isReached(goal, value) }];
}
