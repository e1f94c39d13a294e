import * as z from 'zod';

/**
 * The operations of a deployed poller, which its schedule and operators invoke, and their replies. Replies are packed
 * as described in shared/aws/payload.ts.
 */
const stream = z.string().min(1);
const entryId = z.string().regex(/^\d{1,20}-\d{1,20}$/);

const filterSchema = z.strictObject({
  /** Stream that the entries came from, without the namespace. */
  stream: stream.exactOptional(),
  /** ID of the dead letter. */
  id: entryId.exactOptional(),
  code: z.string().min(1).exactOptional(),
});

/**
 * The next page begins after this dead letter, and contains only those that existed when the first page was requested.
 */
const cursorSchema = z.strictObject({ stream, id: entryId, startedAt: z.int() });
export type DeadLetterCursor = z.infer<typeof cursorSchema>;

const page = { filter: filterSchema.default({}), after: cursorSchema.exactOptional() };

const operationSchema = z.discriminatedUnion('operation', [
  /** Drains the streams, with the function's settings unless the operation overrides them. */
  z.strictObject({
    operation: z.literal('drain'),
    budgetMs: z.int().positive().exactOptional(),
    isTail: z.boolean().exactOptional(),
  }),
  /** Reports which pools and handlers can be reached, and how many entries remain. */
  z.strictObject({ operation: z.literal('status') }),
  z.strictObject({ operation: z.literal('dead-letters'), ...page }),
  z.strictObject({ operation: z.literal('redrive'), ...page }),
  z.strictObject({ operation: z.literal('discard'), ...page }),
]);
export type Operation = z.infer<typeof operationSchema>;
export type DeadLetterPageOperation = Extract<Operation, { filter: unknown }>;

/** The stages of reaching a server, in order. */
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
  /** Absent if the pool can be reached. */
  readonly failure?: StageFailure;
}

/** A function that an own stream is bound to. */
export interface HandlerStatus {
  /** Stream and group, such as `order-placed/mailer`. */
  readonly channel: string;
  /** Absent if the function can be invoked. */
  readonly failure?: StageFailure;
}

export interface ChannelState {
  readonly channel: string;
  readonly stream: string;
  readonly group: string;
  /** Entries that were read and are not acknowledged. */
  readonly pending: number;
  /** Entries that were not read yet; null if Redis doesn't know. */
  readonly backlog: number | null;
  /** Dead letters of the stream, of all its groups. */
  readonly deadLetters: number;
  /** Age of the oldest entry that is not settled, read or not; 0 if there is none. */
  readonly oldestAgeSeconds: number;
}

export interface StatusReply {
  readonly pools: readonly PoolStatus[];
  readonly handlers: readonly HandlerStatus[];
  readonly channels: readonly ChannelState[];
}

/** @throws z.ZodError if it is not an operation */
export function parseOperation(value: unknown): Operation {
  return operationSchema.parse(value);
}
