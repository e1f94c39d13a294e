import type { StatementShape } from '../../../shared/sql/statement-shape.ts';

export type OrderingName = 'entity' | 'pool';

/**
 * Knows, for one MySQL pool, which unfinished statements a statement must come after. A lane runs its statements in
 * order, so what matters is in which lanes they are.
 */
export interface Ordering {
  /** Lanes that hold unfinished statements which this one must not overtake. */
  predecessors(shape: StatementShape): ReadonlySet<number>;
  assigned(shape: StatementShape, lane: number): void;
  finished(shape: StatementShape, lane: number): void;
}

const NO_LANES: ReadonlySet<number> = new Set();

/** How many unfinished statements of one kind each lane holds. */
class LaneCounts {
  readonly #counts = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  add(lane: number): void {
    this.#counts.set(lane, (this.#counts.get(lane) ?? 0) + 1);
  }

  remove(lane: number): void {
    const left = (this.#counts.get(lane) ?? 0) - 1;
    if (left > 0) this.#counts.set(lane, left);
    else this.#counts.delete(lane);
  }

  addLanesTo(lanes: Set<number>): void {
    for (const lane of this.#counts.keys()) lanes.add(lane);
  }
}

/** LaneCounts by table, without the empty ones. */
class TableLaneCounts {
  readonly #byTable = new Map<string, LaneCounts>();

  add(table: string, lane: number): void {
    let counts = this.#byTable.get(table);
    if (counts === undefined) {
      counts = new LaneCounts();
      this.#byTable.set(table, counts);
    }
    counts.add(lane);
  }

  remove(table: string, lane: number): void {
    const counts = this.#byTable.get(table);
    counts?.remove(lane);
    if (counts?.isEmpty === true) this.#byTable.delete(table);
  }

  addLanesTo(table: string, lanes: Set<number>): void {
    this.#byTable.get(table)?.addLanesTo(lanes);
  }
}

/** Unfinished statements by row. Those of one row follow each other, so they are all in one lane. */
class RowLanes {
  readonly #byRow = new Map<string, { lane: number; count: number }>();

  add(row: string, lane: number): void {
    const known = this.#byRow.get(row);
    if (known === undefined) this.#byRow.set(row, { lane, count: 1 });
    else known.count++;
  }

  remove(row: string): void {
    const known = this.#byRow.get(row);
    if (known === undefined) return;
    known.count--;
    if (known.count === 0) this.#byRow.delete(row);
  }

  addLaneTo(row: string, lanes: Set<number>): void {
    const known = this.#byRow.get(row);
    if (known !== undefined) lanes.add(known.lane);
  }
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
  readonly #all = new LaneCounts();
  readonly #barriers = new LaneCounts();
  readonly #inserts = new LaneCounts();
  readonly #insertsByTable = new TableLaneCounts();
  readonly #updatesByTable = new TableLaneCounts();
  readonly #updatesByRow = new RowLanes();

  predecessors(shape: StatementShape): ReadonlySet<number> {
    if (this.#all.isEmpty) return NO_LANES;
    const lanes = new Set<number>();
    switch (shape.kind) {
      case 'update':
        this.#barriers.addLanesTo(lanes);
        this.#insertsByTable.addLanesTo(tableKey(shape), lanes);
        for (const row of rowKeys(shape)) this.#updatesByRow.addLaneTo(row, lanes);
        return lanes;
      case 'insert':
        this.#barriers.addLanesTo(lanes);
        this.#inserts.addLanesTo(lanes);
        this.#updatesByTable.addLanesTo(tableKey(shape), lanes);
        return lanes;
      case 'delete':
      case 'other':
        this.#all.addLanesTo(lanes);
        return lanes;
    }
  }

  assigned(shape: StatementShape, lane: number): void {
    this.#count(shape, lane, 'add');
  }

  finished(shape: StatementShape, lane: number): void {
    this.#count(shape, lane, 'remove');
  }

  #count(shape: StatementShape, lane: number, change: 'add' | 'remove'): void {
    this.#all[change](lane);
    switch (shape.kind) {
      case 'update':
        this.#updatesByTable[change](tableKey(shape), lane);
        for (const row of rowKeys(shape)) this.#updatesByRow[change](row, lane);
        return;
      case 'insert':
        this.#inserts[change](lane);
        this.#insertsByTable[change](tableKey(shape), lane);
        return;
      case 'delete':
      case 'other':
        this.#barriers[change](lane);
        return;
    }
  }
}

/** Strictly one after another: everything in the first lane. */
export class PoolOrdering implements Ordering {
  static readonly #FIRST_LANE: ReadonlySet<number> = new Set([0]);

  predecessors(): ReadonlySet<number> {
    return PoolOrdering.#FIRST_LANE;
  }

  assigned(): void {}

  finished(): void {}
}

/**
 * A name such as `shop.Order` may mean the same table as `Order` in another statement, or one of another pool: like what
 * isn't understood.
 */
export function toOrderedShape(shape: StatementShape): StatementShape {
  return shape.kind !== 'other' && shape.database !== undefined ? { kind: 'other', verb: shape.kind } : shape;
}

export function createOrdering(name: OrderingName): Ordering {
  return name === 'pool' ? new PoolOrdering() : new EntityOrdering();
}

interface OfTable {
  readonly table: string;
}

/** Servers may tell `T` and `t` apart or not; taking them for one only makes a statement wait more than it must. */
function tableKey({ table }: OfTable): string {
  return table.toLowerCase();
}

function rowKeys(shape: OfTable & { readonly ids: readonly bigint[] }): string[] {
  const table = tableKey(shape);
  return shape.ids.map((id) => `${table} ${id}`);
}
