/**
 * Decodes `%40` to `@`, and `+` to a space, as Go does for queries; `undefined` if it is not valid hexadecimal or
 * UTF-8.
 */
function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** Decodes `a=1&b=2`. If a name is repeated, the first one counts. `undefined` if the encoding is invalid. */
export function parseQuery(query: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  for (const part of query.split('&')) {
    const separator = part.indexOf('=');
    const name = percentDecode(separator < 0 ? part : part.slice(0, separator));
    const value = percentDecode(separator < 0 ? '' : part.slice(separator + 1));
    if (name === undefined || value === undefined) return undefined;
    if (name !== '' && !parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}
