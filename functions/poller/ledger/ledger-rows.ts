import type { BatchKey, BatchOutcome, LedgerRow } from '../../../shared/protocol.ts';
import { compareStreamIds } from '../../../shared/stream-id.ts';
import { decodeRecord, type RecordedEntry } from './ledger-record.ts';
import type { LedgerSession } from './ledger-session.ts';
import type { TrackedRow } from './tracked-row.ts';
import type { EntryIdentity, WorkItem, WorkResult } from './work-item.ts';

/**
 * How long a row is kept after its entries were seen settled. A Redis that restarts, or a replica that takes over, may
 * have lost the last second or so of acknowledgements, and gives those entries back; the row says what they did.
 */
const KEPT_SETTLED_SECONDS = 60;

/** Rows named in one request to prune. */
const MAX_PRUNED_PER_REQUEST = 1000;

/** Asks Redis which of a stream's entries may still be handed out: pending, or not delivered yet as far as it knows. */
export type FindOpenIds = (stream: string, ids: readonly string[]) => Promise<ReadonlySet<string>>;

interface EarlierEntry {
  readonly hash: string;
  readonly results: Map<string, { result: WorkResult; row: TrackedRow }>;
}

/**
 * The ledger rows of one MySQL pool: those of earlier epochs, for looking up what an entry that came back has done
 * already, and all of them for pruning once their entries are settled.
 */
export class LedgerRows {
  readonly #session: LedgerSession;
  readonly #findOpenIds: FindOpenIds;
  readonly #earlier = new Map<string, EarlierEntry>();
  readonly #settled: { row: TrackedRow; sinceMs: number }[] = [];
  #toMark: TrackedRow[] = [];
  #toUnmark: TrackedRow[] = [];

  constructor(session: LedgerSession, findOpenIds: FindOpenIds) {
    this.#session = session;
    this.#findOpenIds = findOpenIds;
  }

  /** Takes in rows of earlier epochs. Only entries that can come back are kept in memory. */
  async addEarlier(rows: readonly LedgerRow[]): Promise<void> {
    const decoded = rows.map((row) => ({ row, entries: decodeRecord(row.entries) }));
    const openIds = await this.#openIdsOf(decoded.flatMap(({ entries }) => entries));
    for (const { row, entries } of decoded) this.#addEarlierRow(row, entries, openIds);
  }

  /** What an item of an entry did in an earlier epoch, if it did anything. Another entry of the same id is not meant. */
  find(entry: EntryIdentity, key: string): { result: WorkResult; row: TrackedRow } | undefined {
    if (this.#earlier.size === 0) return undefined;
    const earlier = this.#earlier.get(entryKey(entry));
    return earlier?.hash === entry.hash ? earlier.results.get(key) : undefined;
  }

  /** A row of this epoch, with the items that have a result in it. */
  add(key: BatchKey, items: readonly { readonly item: WorkItem }[]): TrackedRow {
    const row = this.#track(key, entriesOf(items));
    if (row.unsettled === 0) this.#noteSettled(row);
    return row;
  }

  /** An entry with results in the row is settled: acknowledged, with all its effects. */
  entrySettled(row: TrackedRow): void {
    row.unsettled--;
    if (row.unsettled === 0) this.#noteSettled(row);
  }

  /** Writes down which rows are settled, and deletes those that were so for long enough. */
  async prune(): Promise<void> {
    // Rows of earlier epochs come in the order of their keys.
    this.#settled.sort((left, right) => left.sinceMs - right.sinceMs);
    const oldest = Date.now() - KEPT_SETTLED_SECONDS * 1000;
    while (this.#toMark.length > 0 || this.#toUnmark.length > 0 || this.#isDue(oldest)) {
      const forget: TrackedRow[] = [];
      while (forget.length < MAX_PRUNED_PER_REQUEST && this.#isDue(oldest)) {
        const due = this.#settled.shift();
        if (due !== undefined) forget.push(due.row);
      }
      const isDone = await this.#session.prune({
        settled: this.#toMark.splice(0, MAX_PRUNED_PER_REQUEST).map(({ key }) => key),
        unsettled: this.#toUnmark.splice(0, MAX_PRUNED_PER_REQUEST).map(({ key }) => key),
        forget: forget.map(({ key }) => key),
        prunedIds: highestIdsOf(forget),
      });
      if (!isDone) return;
    }
  }

  #track(key: BatchKey, entries: readonly { stream: string; id: string }[]): TrackedRow {
    const highestIds = new Map<string, string>();
    for (const { stream, id } of entries) {
      const known = highestIds.get(stream);
      if (known === undefined || compareStreamIds(id, known) > 0) highestIds.set(stream, id);
    }
    return { owner: this, key, unsettled: entries.length, highestIds };
  }

  #isDue(oldest: number): boolean {
    const first = this.#settled[0];
    return first !== undefined && first.sinceMs <= oldest;
  }

  #noteSettled(row: TrackedRow): void {
    this.#toMark.push(row);
    this.#settled.push({ row, sinceMs: Date.now() });
  }

  async #openIdsOf(entries: readonly RecordedEntry[]): Promise<Map<string, ReadonlySet<string>>> {
    const idsByStream = Map.groupBy(entries, ({ stream }) => stream);
    const open = new Map<string, ReadonlySet<string>>();
    for (const [stream, list] of idsByStream)
      open.set(stream, await this.#findOpenIds(stream, [...new Set(list.map(({ id }) => id))]));
    return open;
  }

  #addEarlierRow(
    row: LedgerRow,
    entries: readonly RecordedEntry[],
    openIds: ReadonlyMap<string, ReadonlySet<string>>,
  ): void {
    const results = toWorkResults(row.outcome);
    const open = new Set<RecordedEntry>();
    const tracked = this.#track({ token: row.token, number: row.number }, entries);
    let position = 0;
    for (const entry of entries) {
      for (const key of entry.keys) {
        const result = results[position++];
        if (result === undefined || openIds.get(entry.stream)?.has(entry.id) !== true) continue;
        open.add(entry);
        const known = this.#earlier.get(entryKey(entry));
        const earlier = known?.hash === entry.hash ? known : { hash: entry.hash, results: new Map() };
        earlier.results.set(key, { result, row: tracked });
        this.#earlier.set(entryKey(entry), earlier);
      }
    }
    tracked.unsettled = open.size;
    if (open.size > 0) {
      if (row.settledSeconds !== null) this.#toUnmark.push(tracked);
      return;
    }
    if (row.settledSeconds === null) this.#noteSettled(tracked);
    else this.#settled.push({ row: tracked, sinceMs: Date.now() - row.settledSeconds * 1000 });
  }
}

export function toWorkResults(outcome: BatchOutcome): WorkResult[] {
  const { increment } = outcome;
  return outcome.results.map((result) =>
    result.status === 'applied'
      ? { kind: 'applied', insertId: result.insertId, increment }
      : { kind: 'failed', code: result.code, message: result.message },
  );
}

/** Each once: the items of an entry are neighbours. */
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

function highestIdsOf(rows: readonly TrackedRow[]): Record<string, string> {
  const highest: Record<string, string> = {};
  for (const { highestIds } of rows) {
    for (const [stream, id] of highestIds) {
      const known = highest[stream];
      if (known === undefined || compareStreamIds(id, known) > 0) highest[stream] = id;
    }
  }
  return highest;
}
