/** What a drain has done with one channel so far. Counts are of this drain, unless they say otherwise. */
export interface ChannelSummary {
  readonly stream: string;
  /** Entries that are settled: acknowledged, with all they asked for done or set aside as dead letters. */
  readonly entries: number;
  readonly statements: number;
  readonly logRows: number;
  readonly dirtyEvents: number;
  /** Cache keys that were deleted. */
  readonly cacheKeys: number;
  /** Statements or entries that could not be applied. */
  readonly failed: number;
  readonly deadLetters: number;
  /** Of the channel `search`: documents that were written. */
  readonly documents?: number;
  /** Of the channel `garbage`: entries that were deleted from streams. */
  readonly trimmed?: number;
  /** Entries that were read and are not acknowledged: they are left in the group. */
  readonly pending: number;
  /** Entries that were not read yet; `null` where Redis doesn't know. */
  readonly backlog: number | null;
  /** Why this channel could not go on, such as a pool that is down. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * Why a drain ended.
 *
 * - `drained`: nothing is left.
 * - `budget`: its time was over.
 * - `locked`: another consumer is running.
 * - `lock-lost`: another consumer has taken over meanwhile.
 * - `stopped`: it was asked to stop.
 * - `failed-entries`: entries that can't be applied now stay pending.
 * - `pool-down`: a MySQL or Redis pool can't be reached.
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
  /** Whether nothing is left. */
  readonly complete: boolean;
  readonly reason: DrainReason;
  /** More about the reason, as a sentence without secrets: who holds the lock, which pool is down. */
  readonly message?: string;
  readonly seconds: number;
  /** By the channel's name: `lazy`, `log`, … */
  readonly channels: Readonly<Record<string, ChannelSummary>>;
}
