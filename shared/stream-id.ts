/** Orders two ids of stream entries (`milliseconds-sequence`), each part up to 64 bits. */
export function compareStreamIds(left: string, right: string): number {
  if (left === right) return 0;
  const [leftTime, leftSequence] = parts(left);
  const [rightTime, rightSequence] = parts(right);
  return compareDigits(leftTime, rightTime) || compareDigits(leftSequence, rightSequence);
}

function parts(id: string): [string, string] {
  const dash = id.indexOf('-');
  return dash === -1 ? [id, '0'] : [id.slice(0, dash), id.slice(dash + 1)];
}

/** Numbers without leading zeros compare by length, then digit by digit: no rounding at 64 bits. */
function compareDigits(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
