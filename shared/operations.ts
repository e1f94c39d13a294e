import * as z from 'zod';
import { deadLetterFilterSchema, deadLetterId, deadLetterSchema, streamName } from './dead-letter.ts';

/**
 * The operations of a deployed poller, requested by its schedule and by operators, and its replies. Requests and replies
 * are packed by shared/aws/payload.ts. A drain replies with a `DrainSummary`.
 */
const cursorFields = { stream: streamName, id: deadLetterId, startedAt: z.int() };

/** The next page begins after this dead letter, and contains only those that existed when the first page was requested. */
const cursorSchema = z.strictObject(cursorFields);
export type DeadLetterCursor = z.infer<typeof cursorSchema>;

const page = { filter: deadLetterFilterSchema.default({}), after: cursorSchema.exactOptional() };

const operationSchema = z.discriminatedUnion('operation', [
  /** Drains the streams. Fields that are absent take the function's own settings. */
  z.strictObject({
    operation: z.literal('drain'),
    budgetMs: z.int().positive().exactOptional(),
    isTail: z.boolean().exactOptional(),
  }),
  /** Reports which servers and functions can be reached, and how many entries remain. */
  z.strictObject({ operation: z.literal('status') }),
  z.strictObject({ operation: z.literal('dead-letters'), ...page }),
  z.strictObject({ operation: z.literal('redrive'), ...page }),
  z.strictObject({ operation: z.literal('discard'), ...page }),
]);
export type Operation = z.infer<typeof operationSchema>;
export type DeadLetterPageOperation = Extract<Operation, { filter: unknown }>;

/** @throws z.ZodError if it is not an operation */
export function parseOperation(value: unknown): Operation {
  return operationSchema.parse(value);
}

/** The reply to `dead-letters`, `redrive` and `discard`. */
export const deadLetterPageSchema = z
  .object({
    /** Only in the reply to `dead-letters`. */
    deadLetters: z.array(deadLetterSchema).readonly().default([]),
    /** How many dead letters were redriven or discarded. Only in the reply to `redrive` and `discard`. */
    changed: z.number().default(0),
    /** How many dead letters cannot be redriven. Only in the reply to `redrive`, if there are any. */
    refused: z.number().default(0),
    /** To get the next page, repeat the request with this as `after`; absent on the last page. */
    next: z.object(cursorFields).readonly().exactOptional(),
  })
  .readonly();
/** A page as the poller sends it. */
export type DeadLetterPage = z.input<typeof deadLetterPageSchema>;
/** A page as its reader sees it, with the fields that the poller left out. */
export type ReceivedDeadLetterPage = z.output<typeof deadLetterPageSchema>;

/** The stages of the way to a server, in their order: a failure names the stage at which it happened. */
export const FAILURE_STAGES = [
  'secret',
  'name-resolution',
  'network-path',
  'tls',
  'authentication',
  'permission',
  'server',
] as const;
export type FailureStage = (typeof FAILURE_STAGES)[number];

const stageFailureSchema = z.preprocess(
  nameStage,
  z
    .object({
      stage: z.enum(FAILURE_STAGES),
      code: z.string(),
      message: z.string(),
      nextStep: z.string().exactOptional(),
    })
    .readonly(),
);
export type StageFailure = z.infer<typeof stageFailureSchema>;

const poolStatusSchema = z
  .object({
    pool: z.string(),
    kind: z.enum(['redis', 'mysql']),
    /** Absent if the pool can be reached. */
    failure: stageFailureSchema.exactOptional(),
  })
  .readonly();
export type PoolStatus = z.infer<typeof poolStatusSchema>;

/** A function to which an own stream is bound. */
const handlerStatusSchema = z
  .object({
    /** Stream and group, as in `order-placed/mailer`. */
    channel: z.string(),
    /** Absent if the function can be invoked. */
    failure: stageFailureSchema.exactOptional(),
  })
  .readonly();
export type HandlerStatus = z.infer<typeof handlerStatusSchema>;

const channelStateSchema = z
  .object({
    channel: z.string(),
    stream: z.string(),
    group: z.string(),
    /** Entries that were read but not acknowledged. */
    pending: z.number(),
    /** Entries that have not been read yet; null if Redis does not know the number. */
    backlog: z.number().nullable(),
    /** Dead letters of the stream, of all its groups. */
    deadLetters: z.number(),
    /** Age of the oldest entry that is not settled, read or not; 0 if there is none. */
    oldestAgeSeconds: z.number(),
  })
  .readonly();
export type ChannelState = z.infer<typeof channelStateSchema>;

/** The reply to `status`. */
export const statusReplySchema = z
  .object({
    pools: z.array(poolStatusSchema).readonly(),
    /** Absent in the reply of a function that was deployed before own streams existed. */
    handlers: z.array(handlerStatusSchema).readonly().default([]),
    channels: z.array(channelStateSchema).readonly(),
  })
  .readonly();
export type StatusReply = z.output<typeof statusReplySchema>;

/** A function that was deployed before the field was renamed calls it `hop`. */
function nameStage(failure: unknown): unknown {
  if (typeof failure !== 'object' || failure === null || !('hop' in failure)) return failure;
  const { hop: stage, ...rest } = failure;
  return { stage, ...rest };
}
