import type { BinaryString } from '../../../shared/binary-string.ts';
import type { BatchItem } from '../../../shared/protocol.ts';
import type { EntryIdentity, WorkItem } from '../lanes/work.ts';

/** An entry's share of a batch, as the ledger remembers it. */
export interface RecordedEntry extends EntryIdentity {
  /** Keys of its items, in the order of the batch. */
  readonly keys: readonly string[];
}

/**
 * Which entries a batch's items belong to, in the order of the items: a line for each stream, an empty line, then a line
 * for each run of items of one entry: `stream id hash keys…`. A lone first statement, by far the most frequent, needs no
 * key.
 */
export function encodeRecord(items: readonly WorkItem[]): BinaryString {
  const streams: string[] = [];
  const lines: string[] = [];
  for (let index = 0; index < items.length; ) {
    const item = items[index];
    if (item === undefined) break;
    const { entry } = item;
    const keys: string[] = [];
    for (; items[index]?.entry === entry; index++) keys.push(items[index]?.key ?? '');
    let stream = streams.indexOf(entry.stream);
    if (stream === -1) stream = streams.push(entry.stream) - 1;
    const suffix = keys.length === 1 && keys[0] === 'q0' ? '' : ` ${keys.join(' ')}`;
    lines.push(`${stream} ${entry.id} ${entry.hash}${suffix}`);
  }
  return Buffer.from([...streams, '', ...lines].join('\n')).toString('latin1') as BinaryString;
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

/** How an item travels to the executor. */
export function toBatchItem({ sql, shape }: WorkItem, final: boolean): BatchItem {
  const isUnderstood = shape.kind !== 'other';
  if (shape.kind !== 'insert' || !shape.groupable) return { sql, final, isUnderstood };
  const { database, table, firstRow, rowIds } = shape;
  const item = { sql, final, isUnderstood, groupHead: firstRow, rows: rowIds.length };
  return database === undefined ? { ...item, table: table.toLowerCase() as BinaryString } : item;
}
