/** One way in which what is there differs from what must be there. */
export type Difference = {
  /** `unfinished`: entries that are pending or unread. */
  readonly kind: 'lost' | 'doubled' | 'changed' | 'out of order' | 'unexpected' | 'unfinished';
  readonly what: string;
};

/** For people, and for the message of a failing test. */
export function describeDifferences(differences: readonly Difference[], limit = 40): string {
  const lines = differences.slice(0, limit).map(({ kind, what }) => `${kind}: ${what}`);
  const left = differences.length - lines.length;
  return [...lines, ...(left > 0 ? [`… and ${left} more`] : [])].join('\n');
}

export function shortened(text: string, length = 160): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}

/** Compares how often each item is there; items are told apart by their text. */
export function compareCounts(expected: readonly string[], actual: readonly string[]): Difference[] {
  const wanted = countsOf(expected);
  const found = countsOf(actual);
  return [...new Set([...expected, ...actual])].flatMap((item): Difference[] => {
    const [before = 0, after = 0] = [wanted.get(item), found.get(item)];
    if (before === after) return [];
    const what = before + after === 1 ? shortened(item) : `${shortened(item)} (${after} for ${before})`;
    if (after < before) return [{ kind: 'lost', what }];
    return [{ kind: before === 0 ? 'unexpected' : 'doubled', what }];
  });
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
