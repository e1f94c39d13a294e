/**
 * Orders two stream entry IDs (`milliseconds-sequence`, each part up to 64 bits), as `Array.prototype.sort` expects. A
 * missing sequence counts as 0.
 */
export function compareStreamIds(left: string, right: string): number {
  if (left === right) return 0;
  // Nearly always both have the same layout. Then the order of their characters is the order of their numbers.
  const isAlike = left.length === right.length && left.indexOf('-') === right.indexOf('-');
  if (isAlike) return left < right ? -1 : 1;
  const [leftTime, leftSequence] = parts(left);
  const [rightTime, rightSequence] = parts(right);
  return compareDigits(leftTime, rightTime) || compareDigits(leftSequence, rightSequence);
}

/** The later of two stream entry IDs. `known` is undefined if there is no earlier ID to compare with. */
function laterStreamId(known: string | undefined, id: string): string {
  return known !== undefined && compareStreamIds(known, id) >= 0 ? known : id;
}

/** The highest ID of each stream among pairs of stream and entry ID. */
export function highestStreamIds(
  pairs: Iterable<readonly [stream: string, id: string]>,
): Map<string, string> {
  const highest = new Map<string, string>();
  for (const [stream, id] of pairs) highest.set(stream, laterStreamId(highest.get(stream), id));
  return highest;
}

/** When Redis accepted the entry: the first part of its ID, in milliseconds since 1970. */
export function timeOfStreamId(id: string): number {
  return Number(parts(id)[0]);
}

function parts(id: string): [time: string, sequence: string] {
  const dash = id.indexOf('-');
  return dash === -1 ? [id, '0'] : [id.slice(0, dash), id.slice(dash + 1)];
}

/** Compares unsigned integers without leading zeros by length, then digit by digit: a Number would round at 64 bits. */
function compareDigits(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
