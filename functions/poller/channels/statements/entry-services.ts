import type { RedisPool, StreamDefinition } from '../../../../shared/registry/types.ts';
import type { Failpoint } from '../../failpoints.ts';
import type { EntryIdentity, WorkItem, WorkResult } from '../../ledger/work-item.ts';
import type { FencedGroup } from '../../redis/fenced-group.ts';
import type { StreamEntry } from '../../redis/stream-entry.ts';
import type { CrossPoolEffects } from '../../settlement/cross-pool-effects.ts';
import type { SettlementOrder } from '../../settlement/settlement-order.ts';
import type { Settler } from '../../settlement/settler.ts';
import type { Planned } from './plan.ts';

/** An entry as its channel read it. */
export interface ReadEntry {
  readonly entry: StreamEntry;
  readonly identity: EntryIdentity;
  readonly planned: Planned;
}

/** What the entries of a stream need from their drain. */
export interface EntryServices {
  /** Stream and group as named in Redis. */
  readonly fenced: FencedGroup;
  /** The stream's own Redis pool. */
  readonly pool: RedisPool;
  readonly redisPools: ReadonlyMap<string, RedisPool>;
  readonly streams: ReadonlyMap<string, StreamDefinition>;
  /** Sends a statement to its MySQL pool, in the order of the calls. */
  readonly pushStatement: (mysqlPool: string, item: WorkItem) => void;
  /** Sends a log row to its MySQL pool. */
  readonly pushLogRow: (mysqlPool: string, item: WorkItem) => void;
  /**
   * Finishes an item with what an earlier epoch applied, or as `otherwise` says; never runs it. The ledger of a MySQL pool
   * that is not in the registry cannot be asked.
   */
  readonly lookUp: (mysqlPool: string, item: WorkItem, otherwise: WorkResult) => void;
  /** Keeps the order of the entries' publications. */
  readonly order: SettlementOrder;
  readonly crossPool: CrossPoolEffects;
  readonly settler: Settler;
  readonly failpoint: Failpoint | undefined;
}
