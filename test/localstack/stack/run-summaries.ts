import { z } from 'zod';

const summarySchema = z.object({
  message: z.literal('drained'),
  complete: z.boolean(),
  reason: z.string(),
  /** By the error's name. */
  failedInvocations: z.record(z.string(), z.number()),
});

/** What the poller says at the end of a run that came to one. */
export type RunSummary = z.infer<typeof summarySchema>;

/** @param log lines of the poller's log */
export function runSummaries(log: readonly string[]): RunSummary[] {
  return log.flatMap((line) => {
    const summary = summarySchema.safeParse(line.startsWith('{') ? JSON.parse(line) : undefined);
    return summary.success ? [summary.data] : [];
  });
}

/** How often invocations failed with this error. */
export function failures(summaries: readonly RunSummary[], code: string): number {
  return summaries.reduce((sum, { failedInvocations }) => sum + (failedInvocations[code] ?? 0), 0);
}
