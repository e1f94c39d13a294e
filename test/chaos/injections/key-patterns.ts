/*
 * Redis's access rules can only allow patterns of keys, not forbid them. These functions return the patterns that match
 * every key except some.
 */

/** Patterns for every key that begins with none of the prefixes. */
export function patternsExceptPrefixes(prefixes: readonly string[]): string[] {
  const beginnings = new Set(
    prefixes.flatMap((prefix) => Array.from(prefix, (_, length) => prefix.slice(0, length))),
  );
  return [...beginnings].flatMap((beginning) => {
    const continued = prefixes.filter((prefix) => prefix.startsWith(beginning));
    const next = new Set(continued.map((prefix) => prefix.charAt(beginning.length)));
    const other = `${beginning}[^${[...next].toSorted().join('')}]*`;
    return beginning === '' ? [other] : [beginning, other];
  });
}

/** Patterns for every key that does not end in the suffix. */
export function patternsExceptSuffix(suffix: string): string[] {
  return Array.from(suffix, (letter, index) => `*[^${letter}]${suffix.slice(index + 1)}`);
}
