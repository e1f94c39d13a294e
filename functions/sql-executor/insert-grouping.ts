import { ascii, type BinaryString, joinBinary, sliceBinary } from '../../shared/binary-string.ts';
import type { BatchItem, ItemResult } from '../../shared/protocol.ts';
import type { StatementResult } from './session.ts';
import type { TableLinks } from './table-links.ts';

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
    if (head === '' || item.groupHead !== head.length || !item.sql.startsWith(head)) {
      endGroup();
      head = headOf(item, isStrict);
    }
    group.push(item);
  }
  endGroup();
  return statements;
}

/** A sent statement whose items need not be neighbours. */
export interface GatheredStatement extends SentStatement {
  /** Of each item: its place in the batch. */
  readonly places: readonly number[];
}

interface Group {
  readonly head: string;
  readonly items: BatchItem[];
  readonly places: number[];
}

/**
 * Joins inserts with the same head also where inserts into other tables stand between them: each table's rows in their
 * order, nothing moved across any other statement, nor across an insert that may reach any table, nor a row that refers to
 * others before them. Undefined where that changes nothing. A row may come before one of another table that stood before
 * it; an error then says nothing yet, and the batch must be run in its exact order.
 */
export function gatherInserts(
  items: readonly BatchItem[],
  isStrict: boolean,
  { dependents, farReaching }: TableLinks,
): GatheredStatement[] | undefined {
  const groups: Group[] = [];
  let ofTable = new Map<string, Group>();
  for (const [place, item] of items.entries()) {
    const head = headOf(item, isStrict);
    const table = head === '' ? undefined : item.table;
    const last = ofTable.get(table ?? '');
    const isNeighbour = last !== undefined && last === groups.at(-1);
    const staysInPlace = table === undefined || farReaching.has(table);
    if (staysInPlace) ofTable = new Map();
    const mayJoin = isNeighbour || !(staysInPlace || dependents.has(table));
    const group: Group = mayJoin && last?.head === head ? last : { head, items: [], places: [] };
    if (group !== last) groups.push(group);
    group.items.push(item);
    group.places.push(place);
    if (table !== undefined) ofTable.set(table, group);
  }
  const isAsItWas = groups.every(({ places }) => (places.at(-1) ?? 0) - (places[0] ?? 0) < places.length);
  return isAsItWas ? undefined : groups.map((group) => ({ ...group, sql: joined(group.items) }));
}

/** Whether there may be something to gather. */
export function hasSeveralTables(items: readonly BatchItem[]): boolean {
  const first = items.find(({ table }) => table !== undefined)?.table;
  return first !== undefined && items.some(({ table }) => table !== undefined && table !== first);
}

/** The results of gathered statements in the order of the batch's items. */
export function splitGathered(
  sent: readonly GatheredStatement[],
  results: readonly StatementResult[],
  increment: number,
): ItemResult[] {
  const itemResults: ItemResult[] = [];
  for (const [index, statement] of sent.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    for (const [at, itemResult] of splitResult(statement, result, increment).entries())
      itemResults[statement.places[at] ?? 0] = itemResult;
  }
  return itemResults;
}

/** Empty where the item can't be joined with others. */
function headOf(item: BatchItem, isStrict: boolean): string {
  return item.groupHead === undefined || !isStrict ? '' : item.sql.slice(0, item.groupHead);
}

function joined(group: readonly BatchItem[]): BinaryString {
  const [first, ...others] = group;
  const tuples = others.map(({ sql, groupHead }) => sliceBinary(sql, groupHead));
  return joinBinary([first?.sql ?? ascii(''), ...tuples], ',');
}

/**
 * The result of each item of a sent statement. InnoDB takes the ids of one multi-row insert in one go, `increment` apart,
 * under every innodb_autoinc_lock_mode, for their number is known beforehand.
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

function idAfter(id: string, distance: number): string {
  const sum = Number(id) + distance;
  return Number.isSafeInteger(sum) ? String(sum) : String(BigInt(id) + BigInt(distance));
}
