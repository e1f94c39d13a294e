/** The lane that holds all unfinished statements of a set, or one of the two values below. */
export type LaneToFollow = number;

/** No lane holds any. */
export const NO_LANE: LaneToFollow = -1;

/** More than one lane holds some. */
const SEVERAL_LANES: LaneToFollow = -2;

/** The lane that holds the statements of both sets. */
export function sameLane(one: LaneToFollow, other: LaneToFollow): LaneToFollow {
  if (one === NO_LANE || one === other) return other;
  return other === NO_LANE ? one : SEVERAL_LANES;
}

/** How many unfinished statements of one kind each lane holds. */
export class LaneCounts {
  readonly #counts: number[] = [];
  #lanesInUse = 0;
  #lane = 0;

  get lane(): LaneToFollow {
    if (this.#lanesInUse === 0) return NO_LANE;
    if (this.#lanesInUse > 1) return SEVERAL_LANES;
    if (!this.#isInUse(this.#lane)) this.#lane = this.#counts.findIndex((count) => count > 0);
    return this.#lane;
  }

  get isEmpty(): boolean {
    return this.#lanesInUse === 0;
  }

  add(lane: number): void {
    if (!this.#isInUse(lane)) {
      this.#lanesInUse++;
      this.#lane = lane;
    }
    this.#counts[lane] = (this.#counts[lane] ?? 0) + 1;
  }

  remove(lane: number): void {
    this.#counts[lane] = (this.#counts[lane] ?? 0) - 1;
    if (!this.#isInUse(lane)) this.#lanesInUse--;
  }

  #isInUse(lane: number): boolean {
    return (this.#counts[lane] ?? 0) > 0;
  }
}

/** LaneCounts by table, without the empty ones. */
export class TableLanes {
  readonly #byTable = new Map<string, LaneCounts>();

  laneOf(table: string): LaneToFollow {
    return this.#byTable.get(table)?.lane ?? NO_LANE;
  }

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
}

/** Unfinished statements by row. Statements on one row follow each other, so they are all in one lane. */
export class RowLanes {
  readonly #byRow = new Map<string, { readonly lane: number; count: number }>();

  laneOf(row: string): LaneToFollow {
    return this.#byRow.get(row)?.lane ?? NO_LANE;
  }

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
}
