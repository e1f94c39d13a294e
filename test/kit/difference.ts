/** One difference between the actual state and the expected state. */
export type Difference = {
  /** `unfinished`: entries are pending or unread. */
  readonly kind: 'lost' | 'duplicated' | 'changed' | 'out of order' | 'unexpected' | 'unfinished';
  readonly what: string;
};

/** Describes differences in a readable text, such as the message of a failing test. Empty if there are none. */
export function describeDifferences(differences: readonly Difference[], limit = 40): string {
  const lines = differences.slice(0, limit).map(({ kind, what }) => `${kind}: ${what}`);
  const remaining = differences.length - lines.length;
  return [...lines, ...(remaining > 0 ? [`… and ${remaining} more`] : [])].join('\n');
}

export function shortened(text: string, length = 160): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}

/** Compares how often each item occurs. */
export function compareCounts(expected: readonly string[], actual: readonly string[]): Difference[] {
  const wanted = countsOf(expected);
  const found = countsOf(actual);
  return [...new Set([...expected, ...actual])].flatMap((item): Difference[] => {
    const [before = 0, after = 0] = [wanted.get(item), found.get(item)];
    if (before === after) return [];
    const what =
      before + after === 1 ? shortened(item) : `${shortened(item)} (${after} instead of ${before})`;
    if (after < before) return [{ kind: 'lost', what }];
    return [{ kind: before === 0 ? 'unexpected' : 'duplicated', what }];
  });
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
