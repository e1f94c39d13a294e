import type { OrderingRule } from '../../../shared/drain-rules.ts';
import type { StatementShape } from '../../../shared/sql/statement-shape.ts';
import { LaneCounts, type LaneToFollow, RowLanes, SET_ASIDE, sameLane, TableLanes } from './lane-counts.ts';

/** What the order of a statement depends on, derived once from its shape. */
export interface OrderedStatement {
  /** `barrier`: any statement that may touch any row of any table. */
  readonly kind: 'insert' | 'update' | 'barrier';
  /** In lower case. Servers may distinguish `T` from `t` or not; treating them as one only makes a statement wait longer. */
  readonly table: string;
  /** The rows that an update touches, each with its table. */
  readonly rows: readonly string[];
}

/**
 * Knows, for one MySQL pool, which unfinished statements a statement must follow. A lane runs its statements in order, so
 * only the lanes that hold them matter. To follow is symmetric: if two statements must keep their order, then also if
 * they come in the opposite order.
 */
export interface Ordering {
  /** True if a batch must run exactly in its order, even where inserts into different tables could be swapped. */
  readonly isExact: boolean;
  /** The lane of the unfinished statements that this one must not overtake. */
  laneToFollow(statement: OrderedStatement): LaneToFollow;
  /** @param lane the index of a lane, or `SET_ASIDE` */
  assigned(statement: OrderedStatement, lane: LaneToFollow): void;
  finished(statement: OrderedStatement, lane: LaneToFollow): void;
}

/**
 * As if in order, as far as rows, IDs and tables show:
 *
 * - an update follows earlier updates of the same row and earlier inserts into its table;
 * - an insert follows every earlier insert of the pool (so that IDs are assigned in stream order, parents before children)
 *   and earlier updates of its table (which may take or free a unique value);
 * - a delete, and every statement that is not understood, follows everything earlier and precedes everything later: it may
 *   free a unique value, or depend on rows of other tables, and the statement does not say which.
 *
 * So only updates of different rows run concurrently with each other, and updates with inserts into other tables.
 */
class EntityOrdering implements Ordering {
  readonly isExact = false;
  readonly #all = new LaneCounts();
  readonly #barriers = new LaneCounts();
  readonly #inserts = new LaneCounts();
  readonly #insertsByTable = new TableLanes();
  readonly #updatesByTable = new TableLanes();
  readonly #updatesByRow = new RowLanes();

  laneToFollow({ kind, table, rows }: OrderedStatement): LaneToFollow {
    switch (kind) {
      case 'update': {
        let lane = sameLane(this.#barriers.lane, this.#insertsByTable.laneOf(table));
        for (const row of rows) lane = sameLane(lane, this.#updatesByRow.laneOf(row));
        return lane;
      }
      case 'insert':
        return sameLane(
          sameLane(this.#barriers.lane, this.#inserts.lane),
          this.#updatesByTable.laneOf(table),
        );
      case 'barrier':
        return this.#all.lane;
    }
  }

  assigned({ kind, table, rows }: OrderedStatement, lane: number): void {
    this.#all.add(lane);
    switch (kind) {
      case 'update':
        this.#updatesByTable.add(table, lane);
        for (const row of rows) this.#updatesByRow.add(row, lane);
        return;
      case 'insert':
        this.#inserts.add(lane);
        this.#insertsByTable.add(table, lane);
        return;
      case 'barrier':
        this.#barriers.add(lane);
        return;
    }
  }

  finished({ kind, table, rows }: OrderedStatement, lane: number): void {
    this.#all.remove(lane);
    switch (kind) {
      case 'update':
        this.#updatesByTable.remove(table, lane);
        for (const row of rows) this.#updatesByRow.remove(row, lane);
        return;
      case 'insert':
        this.#inserts.remove(lane);
        this.#insertsByTable.remove(table, lane);
        return;
      case 'barrier':
        this.#barriers.remove(lane);
        return;
    }
  }
}

/** Strictly one after another: everything runs in the first lane, or is set aside behind a statement that cannot run. */
class PoolOrdering implements Ordering {
  readonly isExact = true;
  #setAside = 0;

  laneToFollow(): LaneToFollow {
    return this.#setAside > 0 ? SET_ASIDE : 0;
  }

  assigned(_: OrderedStatement, lane: LaneToFollow): void {
    if (lane === SET_ASIDE) this.#setAside++;
  }

  finished(_: OrderedStatement, lane: LaneToFollow): void {
    if (lane === SET_ASIDE) this.#setAside--;
  }
}

const NO_ROWS: readonly string[] = [];
const BARRIER: OrderedStatement = { kind: 'barrier', table: '', rows: NO_ROWS };

export function toOrderedStatement(shape: StatementShape): OrderedStatement {
  // `shop.Order` may be the same table as `Order` in another statement, or a table of another pool.
  if (shape.kind === 'other' || shape.kind === 'delete' || shape.database !== undefined) return BARRIER;
  if (shape.kind === 'insert') return insertInto(shape.table);
  const table = shape.table.toLowerCase();
  return { kind: 'update', table, rows: shape.ids.map((id) => `${table} ${id}`) };
}

/** A statement on a view is a barrier: it may touch any row of any table. */
export function orderedOnTables(statement: OrderedStatement, views: ReadonlySet<string>): OrderedStatement {
  return views.has(statement.table) ? { ...statement, kind: 'barrier' } : statement;
}

/** One object for all inserts into a table. Cleared if there are more names than an application has tables. */
const inserts = new Map<string, OrderedStatement>();
const MAX_TABLES = 1000;

function insertInto(name: string): OrderedStatement {
  const known = inserts.get(name);
  if (known !== undefined) return known;
  if (inserts.size === MAX_TABLES) inserts.clear();
  const statement: OrderedStatement = { kind: 'insert', table: name.toLowerCase(), rows: NO_ROWS };
  inserts.set(name, statement);
  return statement;
}

export function createOrdering(name: OrderingRule): Ordering {
  return name === 'pool' ? new PoolOrdering() : new EntityOrdering();
}
