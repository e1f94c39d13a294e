import type { BatchKey } from '../../../shared/protocol.ts';

/** A row of the ledger as long as this drain has to do with it. */
export interface TrackedRow {
  /** Told when an entry with results in the row is settled. */
  readonly owner: { entrySettled(row: TrackedRow): void };
  readonly key: BatchKey;
  /** Entries with a result in it that are not settled yet. */
  unsettled: number;
  /** Per stream, the highest id among its entries. */
  readonly highestIds: ReadonlyMap<string, string>;
}
