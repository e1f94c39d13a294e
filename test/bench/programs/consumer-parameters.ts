import * as z from 'zod';

export const EXECUTOR_NAMES = ['mysql', 'without-ledger', 'instant'] as const;
export type ExecutorName = (typeof EXECUTOR_NAMES)[number];

/** What `programs/consumer.ts` measured. */
export const consumerReport = z.object({
  entries: z.number(),
  /** Of the drain alone, without the start of the process. */
  seconds: z.number(),
  /** Processor time of the process, in seconds. */
  processorSeconds: z.number(),
  /** Largest resident set of the process, in bytes. */
  peakBytes: z.number(),
  batches: z.number(),
  items: z.number(),
  /** Sum of the batches' times in the executor. */
  executorSeconds: z.number(),
});
export type ConsumerReport = z.infer<typeof consumerReport>;
