import type { AbsentGroups } from '../../shared/drain-rules.ts';
import type { Logger } from '../../shared/logging.ts';
import type { SqlExecutor } from '../../shared/protocol.ts';
import type { PollerRegistry } from '../../shared/registry/types.ts';
import type { SearchSettings } from '../../shared/search-settings.ts';
import type { Channel } from './channels/channel.ts';
import type { LaneLimits } from './lanes/lanes.ts';
import type { Ordering } from './lanes/ordering.ts';
import type { settle } from './redis/settle-script.ts';

export type Failpoint = (point: FailpointName) => void | Promise<void>;

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
  /** What search indexes consist of, where that can't be derived, and the application's time zone. */
  readonly search?: SearchSettings;
  /** Streams that are bound to handlers of one's own: see `ownStreamChannel`. */
  readonly ownStreams?: readonly Channel[];
  /** Default `hold`. */
  readonly absentGroups?: AbsentGroups;
  /** Whether a drain asks for a garbage collection of its own streams, as BeeORM's consumer does. Default false. */
  readonly collectsGarbage?: boolean;
  /** Where tests kill the poller or hold it up; called with a name, awaited. */
  readonly failpoint?: Failpoint;
  /** Tests that break the settlement give in another. */
  readonly settle?: typeof settle;
}

/**
 * Moments at which a poller that dies leaves something to take over. `executed`: an entry's statements are done;
 * `logged`: its log rows too; `elsewhere`: its effects in other Redis pools too; `settled`: acknowledged. `indexed`: a
 * page of documents of a search index is written; `trimmed`: a step of a garbage collection is done.
 */
export type FailpointName =
  | 'locked'
  | 'read'
  | 'executed'
  | 'logged'
  | 'cross-pool'
  | 'settled'
  | 'indexed'
  | 'trimmed'
  | 'pruned'
  | 'releasing';
