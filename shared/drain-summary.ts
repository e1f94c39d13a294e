/** What a drain has done in one channel so far. Counts cover this drain, unless stated otherwise. */
export interface ChannelSummary {
  readonly stream: string;
  /** Settled entries: acknowledged, after everything in them was applied or moved to the dead letters. */
  readonly entries: number;
  readonly statements: number;
  readonly logRows: number;
  readonly dirtyEvents: number;
  /** Cache keys that were deleted. */
  readonly cacheKeys: number;
  /** Statements or entries that could not be applied. */
  readonly failed: number;
  readonly deadLetters: number;
  /** Channel `search` only: documents that were written. */
  readonly documents?: number;
  /** Channel `garbage` only: entries that were deleted from streams. */
  readonly trimmed?: number;
  /** Entries that were read and are not acknowledged. They stay in the group. */
  readonly pending: number;
  /** Entries that were not read yet; `null` if Redis doesn't know. */
  readonly backlog: number | null;
  /** Why this channel could not continue, such as a pool that is down. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * Why a drain ended.
 *
 * - `drained`: no entries remain.
 * - `budget`: its time budget is used up.
 * - `locked`: another consumer holds the lock.
 * - `lock-lost`: another consumer took over the lock during the drain.
 * - `stopped`: it was asked to stop.
 * - `failed-entries`: entries that cannot be applied now stay pending.
 * - `pool-down`: a MySQL or Redis pool cannot be reached.
 */
export type DrainReason =
  | 'drained'
  | 'budget'
  | 'locked'
  | 'lock-lost'
  | 'stopped'
  | 'failed-entries'
  | 'pool-down';

export interface DrainSummary {
  /** True if no entries remain. */
  readonly complete: boolean;
  readonly reason: DrainReason;
  /** Details of the reason, as a sentence without secrets: which consumer holds the lock, which pool is down. */
  readonly message?: string;
  readonly seconds: number;
  /** By channel name: `lazy`, `log`, … */
  readonly channels: Readonly<Record<string, ChannelSummary>>;
}
