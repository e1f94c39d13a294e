import type { WorkItem } from '../ledger/work-item.ts';
import type { OrderedStatement } from './ordering.ts';

/** Lanes that are used before each of them has a full batch to do: few large batches win over many small ones. */
const FEW_LANES = 4;

/** A batch that takes longer waits rather than works: then many lanes win. */
const SLOW_MS = 100;

export interface Queued {
  readonly item: WorkItem;
  readonly statement: OrderedStatement;
  /** Position among all items of this pool. */
  readonly sequence: number;
  /** Times that it was in a batch that had to be voided. */
  voided: number;
  /** Set once it failed too early: runs again when everything before it is done. */
  waitsForEarlier: boolean;
}

export interface Lane {
  readonly index: number;
  /** In the order of their sequences. */
  queue: Queued[];
  inFlight: readonly Queued[];
  /** When they were sent: milliseconds since 1970. */
  sentAt: number;
  /** After a voided batch: how many items the next one may have. */
  maxItems: number;
}

/**
 * A lane for an item that follows none: an idle lane whose next batch has room, the first one first. Once a few lanes are
 * busy, a batch is filled behind them before another lane is opened: it goes as soon as one of them falls free. Behind a
 * slow batch nothing is put as long as there is another lane.
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
  if (busy < FEW_LANES || idle.queue.length > 0) return idle;
  return findBusyLane(lanes, now) ?? idle;
}

/** The fullest of those with room: its next batch is the first to be worth sending. */
function findBusyLane(lanes: readonly Lane[], now: number): Lane | undefined {
  let best: Lane | undefined;
  for (const lane of lanes) {
    const takesMore = lane.inFlight.length > 0 && lane.queue.length < lane.maxItems && !isSlow(lane, now);
    if (takesMore && (best === undefined || lane.queue.length > best.queue.length)) best = lane;
  }
  return best;
}

/** Whether the few lanes that are filled first are all slow, and there is another one. */
export function wantMoreLanes(lanes: readonly Lane[]): boolean {
  const now = Date.now();
  const busy = lanes.filter(({ inFlight }) => inFlight.length > 0);
  const slow = busy.filter((lane) => isSlow(lane, now)).length;
  return slow >= FEW_LANES && busy.length - slow < FEW_LANES && busy.length < lanes.length;
}

function isSlow({ inFlight, sentAt }: Lane, now: number): boolean {
  return inFlight.length > 0 && now - sentAt > SLOW_MS;
}

/** Takes a lane's next batch off its queue. */
export function takeBatch(lane: Lane, maxBytes: number): Queued[] {
  let bytes = 0;
  let count = 0;
  for (const { item } of lane.queue) {
    bytes += item.sql.length;
    if (count > 0 && (count >= lane.maxItems || bytes > maxBytes)) break;
    count++;
  }
  return lane.queue.splice(0, count);
}
