import { z } from 'zod';

const summarySchema = z.object({
  message: z.literal('drained'),
  complete: z.boolean(),
  reason: z.string(),
  /** Counts by the name of the error. */
  failedInvocations: z.record(z.string(), z.number()),
});

/** The summary that the poller logs when a run ends normally. */
export type RunSummary = z.infer<typeof summarySchema>;

/** Finds the summaries in the lines of the poller's log. */
export function runSummaries(log: readonly string[]): RunSummary[] {
  return log.flatMap((line) => {
    const summary = summarySchema.safeParse(line.startsWith('{') ? JSON.parse(line) : undefined);
    return summary.success ? [summary.data] : [];
  });
}

/** Counts the invocations that failed with the given error. */
export function countFailures(summaries: readonly RunSummary[], code: string): number {
  return summaries.reduce((sum, { failedInvocations }) => sum + (failedInvocations[code] ?? 0), 0);
}
