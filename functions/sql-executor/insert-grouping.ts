import { ascii, type BinaryString, joinBinary, sliceBinary } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import type { StatementResult } from './session.ts';
import type { TableLinks } from './table-links.ts';

/** One statement as it is sent to MySQL: a single item, or inserts joined into one insert of many rows. */
export interface SentStatement {
  readonly sql: BinaryString;
  /** The items that the statement executes, in the order of its rows. */
  readonly items: readonly BatchItem[];
}

/**
 * Joins consecutive inserts with the same head (`INSERT INTO t(a,b) VALUES `) into multi-row inserts, as JDBC's
 * rewriteBatchedStatements does: MySQL parses once instead of a hundred times. The poller marks the inserts that can be
 * joined: tuples of literals, nothing after them, no value for the auto-increment column. Rows are inserted in the same
 * order either way.
 *
 * @param links undefined: joins nothing
 */
export function groupInserts(items: readonly BatchItem[], links: TableLinks | undefined): SentStatement[] {
  const statements: SentStatement[] = [];
  let group: BatchItem[] = [];
  let head = '';
  const endGroup = () => {
    if (group.length > 0) statements.push({ sql: joined(group), items: group });
    group = [];
  };
  for (const item of items) {
    if (head === '' || item.groupHead !== head.length || !item.sql.startsWith(head)) {
      endGroup();
      head = headOf(item, links);
    }
    group.push(item);
  }
  endGroup();
  return statements;
}

/** A sent statement whose items need not be adjacent in the batch. */
export interface GatheredStatement extends SentStatement {
  /** For each of `items`: its index in the batch. */
  readonly indexes: readonly number[];
}

interface Group {
  readonly head: string;
  readonly items: BatchItem[];
  readonly indexes: number[];
}

/**
 * Joins inserts with the same head even if inserts into other tables are between them. Rows of one table keep their
 * order. Nothing moves across a statement that is not such an insert, or across an insert that may reach any table
 * (`farReaching`). A row that refers to other rows (`dependents`) doesn't move ahead of rows that precede it.
 *
 * A row may move ahead of a row of another table. If any statement fails, the failure therefore means nothing, and the
 * batch must be run again in its exact order.
 *
 * @returns undefined if nothing would move, so that {@link groupInserts} does the same
 */
export function gatherInserts(
  items: readonly BatchItem[],
  links: TableLinks | undefined,
): GatheredStatement[] | undefined {
  if (links === undefined) return undefined;
  const { dependents, farReaching } = links;
  const groups: Group[] = [];
  let lastGroups = new Map<string, Group>();
  for (const [index, item] of items.entries()) {
    const head = headOf(item, links);
    const table = head === '' ? undefined : item.table;
    const last = lastGroups.get(table ?? '');
    const isAdjacent = last !== undefined && last === groups.at(-1);
    const isBarrier = table === undefined || farReaching.has(table);
    if (isBarrier) lastGroups = new Map();
    const mayJoin = isAdjacent || !(isBarrier || dependents.has(table));
    const group: Group = mayJoin && last?.head === head ? last : { head, items: [], indexes: [] };
    if (group !== last) groups.push(group);
    group.items.push(item);
    group.indexes.push(index);
    if (table !== undefined) lastGroups.set(table, group);
  }
  const isInOrder = groups.every(({ indexes }) => (indexes.at(-1) ?? 0) - (indexes[0] ?? 0) < indexes.length);
  return isInOrder ? undefined : groups.map((group) => ({ ...group, sql: joined(group.items) }));
}

/** True if the batch inserts into several tables, so that there may be something to gather. */
export function hasSeveralTables(items: readonly BatchItem[]): boolean {
  const first = items.find(({ table }) => table !== undefined)?.table;
  return first !== undefined && items.some(({ table }) => table !== undefined && table !== first);
}

/** The results of gathered statements, one for each item, in the order of the batch. */
export function splitGathered(
  sent: readonly GatheredStatement[],
  results: readonly StatementResult[],
  increment: number,
): ItemResult[] {
  const itemResults: ItemResult[] = [];
  for (const [index, statement] of sent.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    for (const [row, itemResult] of splitResult(statement, result, increment).entries())
      itemResults[statement.indexes[row] ?? 0] = itemResult;
  }
  return itemResults;
}

/** Empty if the item cannot be joined with others, or if the IDs of joined rows could not be computed. */
function headOf({ sql, table, groupHead }: BatchItem, links: TableLinks | undefined): string {
  if (groupHead === undefined || table === undefined || links === undefined) return '';
  return links.withAssignedIds.has(table) ? '' : sql.slice(0, groupHead);
}

function joined(group: readonly BatchItem[]): BinaryString {
  const [first, ...others] = group;
  const tuples = others.map(({ sql, groupHead }) => sliceBinary(sql, groupHead));
  return joinBinary([first?.sql ?? ascii(''), ...tuples], ',');
}

/**
 * The result of each item of a sent statement, from the statement's result. InnoDB reserves the IDs of one multi-row
 * insert together, `increment` apart, under every `innodb_autoinc_lock_mode`, because their number is known in advance
 * ("simple inserts" in the MySQL manual, "AUTO_INCREMENT Handling in InnoDB").
 *
 * @param increment `auto_increment_increment` of the session
 */
export function splitResult(sent: SentStatement, result: StatementResult, increment: number): ItemResult[] {
  if (sent.items.length === 1) return [{ status: 'applied', insertId: result.insertId }];
  let rows = 0;
  return sent.items.map((item) => {
    const itemResult: ItemResult = {
      status: 'applied',
      insertId: idAfter(result.insertId, rows * increment),
    };
    rows += item.rows ?? 1;
    return itemResult;
  });
}

/** IDs are 64-bit: only those beyond 2^53 need the slower BigInt. */
function idAfter(id: string, distance: number): string {
  const sum = Number(id) + distance;
  return Number.isSafeInteger(sum) ? String(sum) : String(BigInt(id) + BigInt(distance));
}
