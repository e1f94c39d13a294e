import type { WorkItem } from '../ledger/work-item.ts';
import type { LaneToFollow } from './lane-counts.ts';
import type { OrderedStatement } from './ordering.ts';

/** Lanes that are filled up before another one is opened: a few large batches are faster than many small ones. */
const PREFERRED_LANES = 4;

/** A batch that takes longer than this is waiting rather than working; then more lanes are faster. */
const SLOW_MS = 100;

export interface Queued {
  readonly item: WorkItem;
  /** Becomes a barrier when it is assigned to a lane, if its table turns out to be a view. */
  statement: OrderedStatement;
  /** Position among all items of this pool. */
  readonly sequence: number;
  /** How often it was alone in a batch that had to be voided. */
  voided: number;
  /** Set once it failed too early: it runs again when everything before it is done. */
  waitsForEarlier: boolean;
  /** It could not run as one transaction with others. */
  runsAlone: boolean;
}

export interface Lane {
  /** `SET_ASIDE` for the lane of a parked item. */
  readonly index: LaneToFollow;
  /** In the order of their sequences. */
  queue: Queued[];
  inFlight: readonly Queued[];
  /** When the batch in flight was sent: milliseconds since 1970. */
  sentAt: number;
  /** Limit for the next batch; reduced after a voided batch. */
  maxItems: number;
}

/**
 * The lane for an item that follows no other: the first idle lane whose next batch has room. Once a few lanes are busy,
 * a batch is filled behind one of them before another lane is opened, because it is sent as soon as that lane is free.
 * Nothing is queued behind a slow batch as long as another lane is available.
 */
export function findFreeLane(lanes: readonly Lane[]): Lane | undefined {
  const now = Date.now();
  let idle: Lane | undefined;
  let shortest: Lane | undefined;
  let busy = 0;
  for (const lane of lanes) {
    const isFull = lane.queue.length >= lane.maxItems;
    if (lane.inFlight.length === 0 && !isFull) idle ??= lane;
    else if (!isSlow(lane, now)) busy++;
    if (shortest === undefined || lane.queue.length < shortest.queue.length) shortest = lane;
  }
  if (idle === undefined) return shortest;
  if (busy < PREFERRED_LANES || idle.queue.length > 0) return idle;
  return findBusyLane(lanes, now) ?? idle;
}

/** The fullest of the busy lanes with room: its next batch is the first one worth sending. */
function findBusyLane(lanes: readonly Lane[], now: number): Lane | undefined {
  let best: Lane | undefined;
  for (const lane of lanes) {
    const takesMore = lane.inFlight.length > 0 && lane.queue.length < lane.maxItems && !isSlow(lane, now);
    if (takesMore && (best === undefined || lane.queue.length > best.queue.length)) best = lane;
  }
  return best;
}

/** True if the preferred lanes are all slow, and another lane is available. */
export function wantMoreLanes(lanes: readonly Lane[]): boolean {
  const now = Date.now();
  const busy = lanes.filter(({ inFlight }) => inFlight.length > 0);
  const slow = busy.filter((lane) => isSlow(lane, now)).length;
  return slow >= PREFERRED_LANES && busy.length - slow < PREFERRED_LANES && busy.length < lanes.length;
}

function isSlow({ inFlight, sentAt }: Lane, now: number): boolean {
  return inFlight.length > 0 && now - sentAt > SLOW_MS;
}

/** Takes a lane's next batch off its queue. */
export function takeBatch(lane: Lane, maxBytes: number): Queued[] {
  let bytes = 0;
  let count = 0;
  for (const { item, runsAlone } of lane.queue) {
    bytes += item.sql.length;
    if (count > 0 && (runsAlone || count >= lane.maxItems || bytes > maxBytes)) break;
    count++;
    if (runsAlone) break;
  }
  return lane.queue.splice(0, count);
}

/** The sequence of a lane's first unfinished item; infinite if it has none. */
export function oldestOf({ inFlight, queue }: Lane): number {
  return Math.min(
    inFlight[0]?.sequence ?? Number.POSITIVE_INFINITY,
    queue[0]?.sequence ?? Number.POSITIVE_INFINITY,
  );
}

/** Inserts an item into a list that is in the order of sequences, most often at its end. */
export function insertInSequence(list: Queued[], queued: Queued): void {
  let index = list.length;
  while (index > 0 && (list[index - 1]?.sequence ?? 0) > queued.sequence) index--;
  list.splice(index, 0, queued);
}

export function bySequence(one: Queued, other: Queued): number {
  return one.sequence - other.sequence;
}
