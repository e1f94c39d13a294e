import type { OrderingRule } from '../../../shared/drain-rules.ts';
import type { StatementShape } from '../../../shared/sql/statement-shape.ts';
import { LaneCounts, type LaneToFollow, RowLanes, sameLane, TableLanes } from './lane-counts.ts';

/** What the order of a statement depends on, told once from its shape. */
export interface OrderedStatement {
  /** `barrier`: whatever may touch any row of any table. */
  readonly kind: 'insert' | 'update' | 'barrier';
  /** Servers may tell `T` and `t` apart or not: taking them for one only makes a statement wait more than it must. */
  readonly table: string;
  /** Of an update: the rows that it touches, each with its table. */
  readonly rows: readonly string[];
}

/**
 * Knows, for one MySQL pool, which unfinished statements a statement must come after. A lane runs its statements in
 * order, so what matters is in which lanes they are.
 */
export interface Ordering {
  /** Whether a batch must run as it stands, though inserts into other tables could be moved past each other. */
  readonly isExact: boolean;
  /** Where the unfinished statements are that this one must not overtake. */
  laneToFollow(statement: OrderedStatement): LaneToFollow;
  assigned(statement: OrderedStatement, lane: number): void;
  finished(statement: OrderedStatement, lane: number): void;
}

/**
 * As if in order, as far as rows, ids and tables tell:
 *
 * - an update comes after earlier updates of the same row and after earlier inserts into its table;
 * - an insert comes after every earlier insert of the pool (ids come out as in the stream, parents before children), and
 *   after earlier updates of its table (which may take or free a unique value);
 * - a delete, and whatever isn't understood, comes after everything earlier and before everything later: it may free a
 *   unique value, or be held by rows of other tables, and the statement doesn't say which.
 *
 * So only updates of different rows run beside each other, and updates beside inserts into other tables.
 */
export class EntityOrdering implements Ordering {
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
        for (const row of rows) this.#updatesByRow.remove(row);
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

/** Strictly one after another: everything in the first lane. */
export class PoolOrdering implements Ordering {
  readonly isExact = true;

  laneToFollow(): LaneToFollow {
    return 0;
  }

  assigned(): void {}

  finished(): void {}
}

const NO_ROWS: readonly string[] = [];
const BARRIER: OrderedStatement = { kind: 'barrier', table: '', rows: NO_ROWS };

export function toOrderedStatement(shape: StatementShape): OrderedStatement {
  // A name such as `shop.Order` may mean the same table as `Order` in another statement, or one of another pool.
  if (shape.kind === 'other' || shape.kind === 'delete' || shape.database !== undefined) return BARRIER;
  if (shape.kind === 'insert') return insertInto(shape.table);
  const table = shape.table.toLowerCase();
  return { kind: 'update', table, rows: shape.ids.map((id) => `${table} ${id}`) };
}

/** One for all inserts into a table; forgotten where they become more than an application has tables. */
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
