/** KeyedMutex `%40` into `@`, and for queries `+` into a space, as Go does; `undefined` where it isn't valid UTF-8 or hex. */
function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** `a=1&b=2`, decoded. The first of several equal names wins; `undefined` where the encoding is broken. */
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
