/** The lane that holds all unfinished statements of a set, or one of the three values below. */
export type LaneToFollow = number;

/** No lane holds any. */
export const NO_LANE: LaneToFollow = -1;

/** More than one lane holds some. */
const SEVERAL_LANES: LaneToFollow = -2;

/** Some of them are set aside, because they cannot run now or must follow one that cannot. */
export const SET_ASIDE: LaneToFollow = -3;

/** The lane that holds the statements of both sets. */
export function sameLane(one: LaneToFollow, other: LaneToFollow): LaneToFollow {
  if (one === SET_ASIDE || other === SET_ASIDE) return SET_ASIDE;
  if (one === NO_LANE || one === other) return other;
  return other === NO_LANE ? one : SEVERAL_LANES;
}

/** How many unfinished statements of one kind each lane holds, and how many are set aside. */
export class LaneCounts {
  readonly #counts: number[] = [];
  #setAside = 0;
  #lanesInUse = 0;
  #lane = 0;

  get lane(): LaneToFollow {
    if (this.#setAside > 0) return SET_ASIDE;
    if (this.#lanesInUse === 0) return NO_LANE;
    if (this.#lanesInUse > 1) return SEVERAL_LANES;
    if (!this.#isInUse(this.#lane)) this.#lane = this.#counts.findIndex((count) => count > 0);
    return this.#lane;
  }

  get isEmpty(): boolean {
    return this.#lanesInUse === 0 && this.#setAside === 0;
  }

  add(lane: LaneToFollow): void {
    if (lane === SET_ASIDE) {
      this.#setAside++;
      return;
    }
    if (!this.#isInUse(lane)) {
      this.#lanesInUse++;
      this.#lane = lane;
    }
    this.#counts[lane] = (this.#counts[lane] ?? 0) + 1;
  }

  remove(lane: LaneToFollow): void {
    if (lane === SET_ASIDE) {
      this.#setAside--;
      return;
    }
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

  add(table: string, lane: LaneToFollow): void {
    let counts = this.#byTable.get(table);
    if (counts === undefined) {
      counts = new LaneCounts();
      this.#byTable.set(table, counts);
    }
    counts.add(lane);
  }

  remove(table: string, lane: LaneToFollow): void {
    const counts = this.#byTable.get(table);
    counts?.remove(lane);
    if (counts?.isEmpty === true) this.#byTable.delete(table);
  }
}

/** Unfinished statements by row. Those that are not set aside follow each other, so they are all in one lane. */
export class RowLanes {
  readonly #byRow = new Map<string, { lane: LaneToFollow; inLane: number; setAside: number }>();

  laneOf(row: string): LaneToFollow {
    const known = this.#byRow.get(row);
    if (known === undefined) return NO_LANE;
    return known.setAside > 0 ? SET_ASIDE : known.lane;
  }

  add(row: string, lane: LaneToFollow): void {
    const known = this.#byRow.get(row);
    const isSetAside = lane === SET_ASIDE;
    if (known === undefined)
      this.#byRow.set(row, { lane, inLane: isSetAside ? 0 : 1, setAside: isSetAside ? 1 : 0 });
    else if (isSetAside) known.setAside++;
    else {
      known.lane = lane;
      known.inLane++;
    }
  }

  remove(row: string, lane: LaneToFollow): void {
    const known = this.#byRow.get(row);
    if (known === undefined) return;
    if (lane === SET_ASIDE) known.setAside--;
    else known.inLane--;
    if (known.inLane + known.setAside === 0) this.#byRow.delete(row);
  }
}
