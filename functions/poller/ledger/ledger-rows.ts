import type { BatchKey, BatchOutcome, LedgerRow } from '../../../shared/protocol.ts';
import { highestStreamIds } from '../../../shared/stream-id.ts';
import { decodeRecord, type RecordedEntry } from './ledger-record.ts';
import type { LedgerSession } from './ledger-session.ts';
import type { EntryIdentity, ResultRow, WorkItem, WorkResult } from './work-item.ts';

/**
 * How long a row is kept after its entries were seen settled. A Redis that restarts, or a replica that is promoted, may
 * have lost the last second or so of acknowledgements and deliver those entries again; the row records what they did.
 */
const KEPT_SETTLED_SECONDS = 60;

/** Maximum number of rows in one request to prune. */
const MAX_PRUNED_PER_REQUEST = 1000;

/** Asks Redis which of a stream's entries may still be delivered: pending, or not yet delivered as far as it knows. */
export type FindOpenIds = (stream: string, ids: readonly string[]) => Promise<ReadonlySet<string>>;

/** What an item did in an earlier epoch, and the row that says so. */
export interface EarlierResult {
  readonly result: WorkResult;
  readonly row: ResultRow;
}

interface EarlierEntry {
  readonly hash: string;
  readonly results: Map<string, EarlierResult>;
}

/** A ledger row that this drain keeps track of. */
class TrackedRow implements ResultRow {
  readonly key: BatchKey;
  /** Per stream, the highest ID among the row's entries. */
  readonly highestIds: ReadonlyMap<string, string>;
  readonly #onSettled: (row: TrackedRow) => void;
  /** Entries with a result in the row that are not settled yet. */
  #unsettled: number;

  constructor(
    key: BatchKey,
    entries: readonly { readonly stream: string; readonly id: string }[],
    unsettled: number,
    onSettled: (row: TrackedRow) => void,
  ) {
    this.key = key;
    this.highestIds = highestStreamIds(entries.map(({ stream, id }) => [stream, id]));
    this.#unsettled = unsettled;
    this.#onSettled = onSettled;
  }

  entrySettled(): void {
    this.#unsettled--;
    if (this.#unsettled === 0) this.#onSettled(this);
  }
}

/**
 * The ledger rows of one MySQL pool: those of earlier epochs, to look up what a redelivered entry has done already, and
 * all of them, to prune them once their entries are settled.
 */
export class LedgerRows {
  readonly #session: LedgerSession;
  readonly #findOpenIds: FindOpenIds;
  readonly #earlier = new Map<string, EarlierEntry>();
  readonly #settled: { row: TrackedRow; sinceMs: number }[] = [];
  readonly #toMark: TrackedRow[] = [];
  readonly #toUnmark: TrackedRow[] = [];

  constructor(session: LedgerSession, findOpenIds: FindOpenIds) {
    this.#session = session;
    this.#findOpenIds = findOpenIds;
  }

  /** Adds rows of earlier epochs. Only entries that can be delivered again are kept in memory. */
  async addEarlier(rows: readonly LedgerRow[]): Promise<void> {
    const decoded = rows.map((row) => ({ row, entries: decodeRecord(row.entries) }));
    const openIds = await this.#openIdsOf(decoded.flatMap(({ entries }) => entries));
    for (const { row, entries } of decoded) this.#addEarlierRow(row, entries, openIds);
  }

  /** What an item of an entry did in an earlier epoch, if anything. A different entry with the same ID does not match. */
  find(entry: EntryIdentity, key: string): EarlierResult | undefined {
    if (this.#earlier.size === 0) return undefined;
    const earlier = this.#earlier.get(entryKey(entry));
    return earlier?.hash === entry.hash ? earlier.results.get(key) : undefined;
  }

  /** Adds a row of this epoch, with the items that have a result in it. */
  add(key: BatchKey, items: readonly { readonly item: WorkItem }[]): ResultRow {
    const entries = entriesOf(items);
    const row = new TrackedRow(key, entries, entries.length, this.#noteSettled);
    if (entries.length === 0) this.#noteSettled(row);
    return row;
  }

  /** Records which rows are settled, and deletes those that have been settled for long enough. */
  async prune(): Promise<void> {
    // Rows of earlier epochs arrive in the order of their keys.
    this.#settled.sort((left, right) => left.sinceMs - right.sinceMs);
    const settledBefore = Date.now() - KEPT_SETTLED_SECONDS * 1000;
    while (this.#toMark.length > 0 || this.#toUnmark.length > 0 || this.#isDue(settledBefore)) {
      const forget: TrackedRow[] = [];
      while (forget.length < MAX_PRUNED_PER_REQUEST && this.#isDue(settledBefore)) {
        const due = this.#settled.shift();
        if (due !== undefined) forget.push(due.row);
      }
      const isDone = await this.#session.prune({
        settled: this.#toMark.splice(0, MAX_PRUNED_PER_REQUEST).map(({ key }) => key),
        unsettled: this.#toUnmark.splice(0, MAX_PRUNED_PER_REQUEST).map(({ key }) => key),
        forget: forget.map(({ key }) => key),
        prunedIds: Object.fromEntries(highestStreamIds(forget.flatMap(({ highestIds }) => [...highestIds]))),
      });
      if (!isDone) return;
    }
  }

  #isDue(settledBefore: number): boolean {
    const first = this.#settled[0];
    return first !== undefined && first.sinceMs <= settledBefore;
  }

  readonly #noteSettled = (row: TrackedRow): void => {
    this.#toMark.push(row);
    this.#settled.push({ row, sinceMs: Date.now() });
  };

  async #openIdsOf(entries: readonly RecordedEntry[]): Promise<Map<string, ReadonlySet<string>>> {
    const idsByStream = Map.groupBy(entries, ({ stream }) => stream);
    const open = new Map<string, ReadonlySet<string>>();
    for (const [stream, list] of idsByStream)
      open.set(stream, await this.#findOpenIds(stream, [...new Set(list.map(({ id }) => id))]));
    return open;
  }

  #addEarlierRow(
    { token, number, outcome, settledSeconds }: LedgerRow,
    entries: readonly RecordedEntry[],
    openIds: ReadonlyMap<string, ReadonlySet<string>>,
  ): void {
    const results = toWorkResults(outcome);
    const isOpen = ({ stream, id }: RecordedEntry) => openIds.get(stream)?.has(id) === true;
    const open = new Set<RecordedEntry>();
    let position = 0;
    for (const entry of entries) {
      if (isOpen(entry) && position < results.length) open.add(entry);
      position += entry.keys.length;
    }
    const row = new TrackedRow({ token, number }, entries, open.size, this.#noteSettled);
    this.#addResults(entries, open, results, row);
    if (open.size > 0) {
      if (settledSeconds !== null) this.#toUnmark.push(row);
    } else if (settledSeconds === null) this.#noteSettled(row);
    else this.#settled.push({ row, sinceMs: Date.now() - settledSeconds * 1000 });
  }

  #addResults(
    entries: readonly RecordedEntry[],
    open: ReadonlySet<RecordedEntry>,
    results: readonly WorkResult[],
    row: ResultRow,
  ): void {
    let position = 0;
    for (const entry of entries) {
      for (const key of entry.keys) {
        const result = results[position++];
        if (result !== undefined && open.has(entry))
          this.#earlierEntry(entry).results.set(key, { result, row });
      }
    }
  }

  #earlierEntry(entry: RecordedEntry): EarlierEntry {
    const known = this.#earlier.get(entryKey(entry));
    if (known?.hash === entry.hash) return known;
    const earlier = { hash: entry.hash, results: new Map() };
    this.#earlier.set(entryKey(entry), earlier);
    return earlier;
  }
}

export function toWorkResults({ increment, results }: BatchOutcome): WorkResult[] {
  return results.map((result) =>
    result.status === 'applied'
      ? { kind: 'applied', insertId: result.insertId, increment }
      : { kind: 'failed', code: result.code, message: result.message },
  );
}

/** Each entry once: the items of an entry are neighbors. */
function entriesOf(items: readonly { readonly item: WorkItem }[]): EntryIdentity[] {
  const entries: EntryIdentity[] = [];
  let last: EntryIdentity | undefined;
  for (const { item } of items) {
    if (item.entry !== last) entries.push(item.entry);
    last = item.entry;
  }
  return entries;
}

function entryKey(entry: { readonly stream: string; readonly id: string }): string {
  return `${entry.stream} ${entry.id}`;
}
