import type { Logger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import type { Registry } from '../../shared/registry/types.ts';
import type { LaneLimits } from './lanes.ts';
import type { Ordering } from './ordering.ts';
import type { settle } from './redis/settle-script.ts';

export interface PollerOptions {
  readonly registry: Registry;
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
  /** Where tests hold the poller up or kill it. */
  readonly atPoint?: (point: PollerPoint) => void | Promise<void>;
  /** Tests that break the settlement give in another. */
  readonly settle?: typeof settle;
}

export type PollerPoint = 'locked' | 'read' | 'executed' | 'settling' | 'settled' | 'pruned';
