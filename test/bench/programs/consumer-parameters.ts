import * as z from 'zod';

export const EXECUTOR_NAMES = ['mysql', 'without-ledger', 'instant'] as const;
export type ExecutorName = (typeof EXECUTOR_NAMES)[number];

/** The report that `programs/consumer.ts` writes. */
export const consumerReport = z.object({
  entries: z.number(),
  /** Duration of the drain, without the start of the process. */
  seconds: z.number(),
  /** Processor time of the drain. */
  processorSeconds: z.number(),
  /** Maximum resident set size of the process. */
  peakBytes: z.number(),
  batches: z.number(),
  items: z.number(),
  /** Total time that batches spent in the executor. */
  executorSeconds: z.number(),
});
export type ConsumerReport = z.infer<typeof consumerReport>;
