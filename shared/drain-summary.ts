import * as z from 'zod';

/** Why a drain ended. */
const drainReasonSchema = z.enum([
  /** No entry is pending or waiting to be read. */
  'drained',
  /** The time budget was used up. */
  'budget',
  /** Another consumer is running. */
  'locked',
  /** Another consumer took over the lock during this drain. */
  'lock-lost',
  /** The drain was asked to stop. */
  'stopped',
  /** Entries that cannot be applied at present stay pending. */
  'failed-entries',
  /** A MySQL or Redis pool cannot be reached. */
  'pool-down',
]);
export type DrainReason = z.infer<typeof drainReasonSchema>;

/** What a drain has done with one channel so far. Counts cover this drain only, unless noted otherwise. */
const channelSummarySchema = z
  .object({
    stream: z.string(),
    /** Settled entries: acknowledged after everything they asked for was done or moved to the dead letters. */
    entries: z.number(),
    statements: z.number(),
    logRows: z.number(),
    dirtyEvents: z.number(),
    /** Deleted cache keys. */
    cacheKeys: z.number(),
    /** Statements or entries that could not be applied. */
    failed: z.number(),
    deadLetters: z.number(),
    /** Documents written; only in the channel `search`. */
    documents: z.number().exactOptional(),
    /** Entries deleted from streams; only in the channel `garbage`. */
    trimmed: z.number().exactOptional(),
    /** Entries that were read but are not acknowledged: they are still pending in the group. */
    pending: z.number(),
    /** Entries that have not been read yet; `null` if Redis does not know the number. */
    backlog: z.number().nullable(),
    /** Why this channel could not continue, such as a pool that is down. */
    error: z.object({ code: z.string(), message: z.string() }).readonly().exactOptional(),
  })
  .readonly();
export type ChannelSummary = z.infer<typeof channelSummarySchema>;

/** The reply of a drain. */
export const drainSummarySchema = z
  .object({
    /** True if no entry is pending or waiting to be read. */
    complete: z.boolean(),
    reason: drainReasonSchema,
    /** Details about the reason, as a sentence without secrets: which consumer holds the lock, which pool is down. */
    message: z.string().exactOptional(),
    seconds: z.number(),
    /** By the channel's name: `lazy`, `log`, … */
    channels: z.record(z.string(), channelSummarySchema).readonly(),
  })
  .readonly();
export type DrainSummary = z.infer<typeof drainSummarySchema>;
