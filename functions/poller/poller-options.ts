import type { Logger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import type { PollerRegistry } from '../../shared/registry/types.ts';
import type { LaneLimits } from './lanes.ts';
import type { Ordering } from './ordering.ts';
import type { settle } from './redis/settle-script.ts';

export type AtPollerPoint = (point: PollerPoint) => void | Promise<void>;

export interface PollerOptions {
  readonly registry: PollerRegistry;
  readonly executor: SqlExecutor;
  readonly logger: Logger;
  /** Makes the ordering of one MySQL pool. */
  readonly createOrdering: () => Ordering;
  /** Lanes of each MySQL pool; of all pools together no more batches than this are in flight. */
  readonly limits: LaneLimits;
  /** Verbs in upper case. */
  readonly allowedStatements: ReadonlySet<string>;
  /** How long the lock outlives a poller that was killed. */
  readonly lockTtlMs: number;
  /** Where tests kill the poller or hold it up; called with a name, awaited. */
  readonly atPoint?: AtPollerPoint;
  /** Tests that break the settlement give in another. */
  readonly settle?: typeof settle;
}

/**
 * Moments at which a poller that dies leaves something to take over. `executed`: an entry's statements are done;
 * `logged`: its log rows too; `elsewhere`: its effects in other Redis pools too; `settled`: acknowledged.
 */
export type PollerPoint =
  | 'locked'
  | 'read'
  | 'executed'
  | 'logged'
  | 'elsewhere'
  | 'settled'
  | 'pruned'
  | 'releasing';
