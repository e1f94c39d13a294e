import type { StreamEntry } from '../../redis/stream-reads.ts';
import type { EntryOutcome } from '../../settlement/entry-outcome.ts';
import type { EntryRecord } from './entry-handler.ts';

/** An entry on its way through its handler. */
export interface Delivery {
  readonly entry: StreamEntry;
  /** What it is ordered by; undefined where it has no order. */
  readonly orderKey: string | undefined;
  /** Length of its record as JSON. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly firstDeliveredAt: number;
  /** An attempt of an earlier drain was begun: it may be the entry that ended it, so it shares no invocation. */
  readonly isSuspect: boolean;
  /** Attempts that failed, or that an earlier drain began. */
  attempts: number;
  /** The record for the attempt that comes next. */
  readonly nextRecord: () => EntryRecord;
  /** Called once. */
  readonly finish: (outcome: EntryOutcome) => void;
}
