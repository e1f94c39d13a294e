const UNITS_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** More would not fit into a timer of Node, which would then end at once. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

/** `1500ms`, `50s`, `1.5m` or `2h` in milliseconds, at least 1; `undefined` for anything else, and beyond 24 days. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(amount) * (UNITS_MS.get(unit) ?? Number.NaN));
  return milliseconds >= 1 && milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
}
