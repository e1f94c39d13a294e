import type { StreamEntry } from '../../redis/stream-entry.ts';
import type { EntryOutcome } from '../../settlement/entry-outcome.ts';
import type { EntryRecord } from './entry-handler.ts';

/** An entry that is being delivered to its handler. */
export interface Delivery {
  readonly entry: StreamEntry;
  /** Deliveries with the same key are handled in order; undefined if any order is allowed. */
  readonly orderKey: string | undefined;
  /** Size of its record as JSON. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly firstDeliveredAt: number;
  /** An earlier drain began an attempt, which may have killed it. The delivery therefore shares no invocation. */
  readonly mayBePoison: boolean;
  /** Attempts that failed or that an earlier drain began. */
  attempts: number;
  /** Builds the record for the next attempt. */
  readonly nextRecord: () => EntryRecord;
  /** Must be called exactly once. */
  readonly finish: (outcome: EntryOutcome) => void;
}
