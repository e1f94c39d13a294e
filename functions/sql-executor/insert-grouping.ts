import type { BinaryString } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import type { StatementResult } from './session.ts';

/** One statement as it is sent: a single item's, or neighbouring inserts' as one of many rows. */
export interface SentStatement {
  readonly sql: BinaryString;
  /** The items that it stands for, in order. */
  readonly items: readonly BatchItem[];
}

/**
 * Joins consecutive inserts with the same head (`INSERT INTO t(a,b) VALUES `) into multi-row inserts, as JDBC's
 * rewriteBatchedStatements does: parsing once instead of a hundred times. The poller marks what may be joined: tuples of
 * literals, no tail, no value for the auto-increment column. Joined or not, rows are made in the same order.
 */
export function groupInserts(items: readonly BatchItem[], isStrict: boolean): SentStatement[] {
  const statements: SentStatement[] = [];
  let group: BatchItem[] = [];
  let head = '';
  const endGroup = () => {
    if (group.length > 0) statements.push({ sql: joined(group), items: group });
    group = [];
  };
  for (const item of items) {
    const itemHead = item.groupHead === undefined || !isStrict ? '' : item.sql.slice(0, item.groupHead);
    if (itemHead === '' || itemHead !== head) endGroup();
    head = itemHead;
    group.push(item);
  }
  endGroup();
  return statements;
}

function joined(group: readonly BatchItem[]): BinaryString {
  const [first, ...others] = group;
  const tuples = others.map((item) => item.sql.slice(item.groupHead));
  return [first?.sql ?? '', ...tuples].join(',') as BinaryString;
}

/**
 * The result of each item of a sent statement. InnoDB takes the ids of one multi-row insert in one go, `increment` apart,
 * under every innodb_autoinc_lock_mode, for their number is known beforehand.
 */
export function splitResult(sent: SentStatement, result: StatementResult, increment: number): ItemResult[] {
  if (sent.items.length === 1) return [{ status: 'applied', insertId: result.insertId }];
  let insertId = BigInt(result.insertId);
  return sent.items.map((item) => {
    const itemResult: ItemResult = { status: 'applied', insertId: insertId.toString() };
    insertId += BigInt(item.rows ?? 1) * BigInt(increment);
    return itemResult;
  });
}
