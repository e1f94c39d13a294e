import type { Cell } from './read-tables.ts';

/** @param table `schema.table` */
export function isLogTable(table: string): boolean {
  return table.includes('._log_');
}

/** Returns the same text for equal values, regardless of member order, escapes and number notation. */
export function canonicalJson(json: Cell | undefined): string {
  if (typeof json !== 'string') return 'null';
  return JSON.stringify(sorted(JSON.parse(json, exactNumber)));
}

/** Returns `{"number": "…"}` with all digits of an integer, because a double can't represent all 64-bit integers. */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? String(value);
  return { number: /^(?:0|-?[1-9]\d*)$/.test(source) ? source : String(value) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
