import { asBinary, type BinaryString, textToBinary } from '../../../shared/binary-string.ts';
import type { BatchItem } from '../../../shared/protocol.ts';
import type { EntryIdentity, WorkItem } from './work-item.ts';

/** An entry's share of a batch, as the ledger records it. */
export interface RecordedEntry extends EntryIdentity {
  /** Keys of the entry's items, in the order of the batch. */
  readonly keys: readonly string[];
}

/**
 * Records which entries a batch's items belong to, in the order of the items: a line for each stream, an empty line, then
 * a line for each run of items of one entry: `stream id hash keys…`. The keys are omitted for a lone first statement, by
 * far the most frequent case.
 */
export function encodeRecord(items: readonly { readonly item: WorkItem }[]): BinaryString {
  const streams: string[] = [];
  let lines = '';
  let entry: EntryIdentity | undefined;
  let keys = '';
  const endLine = () => {
    if (entry === undefined) return;
    let stream = streams.indexOf(entry.stream);
    if (stream === -1) stream = streams.push(entry.stream) - 1;
    lines += `\n${stream} ${entry.id} ${entry.hash}${keys === ' q0' ? '' : keys}`;
  };
  for (const { item } of items) {
    if (item.entry !== entry) {
      endLine();
      entry = item.entry;
      keys = '';
    }
    keys += ` ${item.key}`;
  }
  endLine();
  return textToBinary(`${streams.join('\n')}\n${lines}`);
}

export function decodeRecord(record: BinaryString): RecordedEntry[] {
  if (record === '') return [];
  const lines = Buffer.from(record, 'latin1').toString('utf8').split('\n');
  const end = lines.indexOf('');
  const streams = lines.slice(0, end);
  return lines.slice(end + 1).map((line) => {
    const [stream, id, hash, ...keys] = line.split(' ');
    return {
      stream: streams[Number(stream)] ?? '',
      id: id ?? '',
      hash: hash ?? '',
      keys: keys.length === 0 ? ['q0'] : keys,
    };
  });
}

/**
 * An item as it is sent to the executor.
 * @param table the item's table in lower case
 * @param final whether a duplicate-key or foreign-key error of this item is final: see the protocol
 */
export function toBatchItem({ sql, shape }: WorkItem, table: string, final: boolean): BatchItem {
  if (shape.kind !== 'insert' || !shape.groupable)
    return { sql, final, isUnderstood: shape.kind !== 'other' };
  const { database, firstRow: groupHead, rowIds } = shape;
  const rows = rowIds.length;
  return database === undefined
    ? { sql, final, isUnderstood: true, groupHead, rows, table: asBinary(table) }
    : { sql, final, isUnderstood: true, groupHead, rows };
}
