import type { Logger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import type { PollerRegistry } from '../../shared/registry/types.ts';
import type { Channel } from './channels/channel.ts';
import type { Failpoint } from './failpoints.ts';
import type { LaneLimits } from './lanes/lanes.ts';
import type { Ordering } from './lanes/ordering.ts';
import type { settle } from './redis/settle-script.ts';

/** Bytes of SQL in one batch. */
export const BATCH_BYTES = 1 << 20;

/** A killed poller delays its successor by this long; a living one refreshes the lock four times in it. */
export const LOCK_TTL_MS = 20_000;

export interface PollerOptions {
  readonly registry: PollerRegistry;
  readonly executor: SqlExecutor;
  readonly logger: Logger;
  /** Creates the ordering of one MySQL pool. */
  readonly createOrdering: () => Ordering;
  /** Per MySQL pool. `lanes` also bounds the executor requests in flight over all pools. */
  readonly limits: LaneLimits;
  /** What to drain, in the order of reports: see `createChannels`. */
  readonly channels: readonly Channel[];
  /** How long the lock outlives a killed poller. */
  readonly lockTtlMs: number;
  readonly failpoint?: Failpoint | undefined;
  /** Replaced by tests that break the settlement. */
  readonly settle?: typeof settle | undefined;
}
