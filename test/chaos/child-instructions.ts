import * as z from 'zod';
import { FAILPOINTS } from './failpoints.ts';
import { SAFEGUARDS } from './safeguards.ts';

/** Tells a consumer process what to do. The campaign sends it as the first message to the process. */
export const childInstructionsSchema = z.object({
  registryYaml: z.string(),
  ordering: z.enum(['entity', 'pool']),
  /** Safeguards that are switched off. */
  broken: z.array(z.enum(SAFEGUARDS)),
  /** The file to which the handler of own streams appends each entry that it has handled. */
  handledFile: z.string(),
  /** The process sends itself this signal when it reaches the failpoint for the `hit`th time. */
  selfSignal: z
    .object({
      signal: z.enum(['SIGKILL', 'SIGSTOP']),
      failpoint: z.enum(FAILPOINTS),
      hit: z.int().positive(),
    })
    .nullable(),
  /** Seed for losing invocations between poller and executor; null loses none. */
  lossSeed: z.int().nullable(),
  /** Wait for new entries until the budget ends, instead of stopping once the streams are empty. */
  isTail: z.boolean(),
  budgetMs: z.int().positive(),
});
export type ChildInstructions = z.infer<typeof childInstructionsSchema>;
