import * as z from 'zod';

/**
 * What a deployed poller is asked, by its schedule and by people, and what it answers. Replies are packed as
 * shared/aws/payload.ts says.
 */
const stream = z.string().min(1);
const entryId = z.string().regex(/^\d{1,20}-\d{1,20}$/);

const filterSchema = z.strictObject({
  /** Stream that the entries came from, without namespace. */
  stream: stream.exactOptional(),
  /** Id of the dead letter. */
  id: entryId.exactOptional(),
  code: z.string().min(1).exactOptional(),
});

/** Where the next page begins: after this dead letter, and only what was there when the first page was asked for. */
const cursorSchema = z.strictObject({ stream, id: entryId, startedAt: z.int() });
export type DeadLetterCursor = z.infer<typeof cursorSchema>;

const page = { filter: filterSchema.default({}), after: cursorSchema.exactOptional() };

const operationSchema = z.discriminatedUnion('operation', [
  /** Drains the streams, with the function's settings unless it says otherwise. */
  z.strictObject({
    operation: z.literal('drain'),
    budgetMs: z.int().positive().exactOptional(),
    isTail: z.boolean().exactOptional(),
  }),
  /** Tells what can be reached, and how much is left. */
  z.strictObject({ operation: z.literal('status') }),
  z.strictObject({ operation: z.literal('dead-letters'), ...page }),
  z.strictObject({ operation: z.literal('redrive'), ...page }),
  z.strictObject({ operation: z.literal('discard'), ...page }),
]);
export type Operation = z.infer<typeof operationSchema>;
export type DeadLetterPageOperation = Extract<Operation, { filter: unknown }>;

/** Where on the way to a server something fails. */
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

export interface StageFailure {
  readonly stage: FailureStage;
  readonly code: string;
  readonly message: string;
  readonly nextStep?: string;
}

export interface PoolStatus {
  readonly pool: string;
  readonly kind: 'redis' | 'mysql';
  /** Where it fails; absent where it answers. */
  readonly failure?: StageFailure;
}

/** A function that an own stream is bound to. */
export interface HandlerStatus {
  /** Stream and group, as in `order-placed/mailer`. */
  readonly channel: string;
  /** Why it can't be invoked; absent where it can. */
  readonly failure?: StageFailure;
}

export interface ChannelState {
  readonly channel: string;
  readonly stream: string;
  readonly group: string;
  /** Read and not acknowledged. */
  readonly pending: number;
  /** Not read yet; null where Redis doesn't know. */
  readonly backlog: number | null;
  /** Of the stream, whichever of its groups they are of. */
  readonly deadLetters: number;
  /** How long ago the oldest entry that is not settled, read or not, was written; 0 where there is none. */
  readonly oldestAgeSeconds: number;
}

export interface StatusReply {
  readonly pools: readonly PoolStatus[];
  readonly handlers: readonly HandlerStatus[];
  readonly channels: readonly ChannelState[];
}

/** @throws z.ZodError where it is no operation */
export function parseOperation(value: unknown): Operation {
  return operationSchema.parse(value);
}
