import { z } from 'zod';
import { count, formatNumber, printable } from '../../cli/output/table.ts';
import type { LogLine } from './function-logs.ts';

/** What Lambda itself says around each invocation. */
const AROUND_INVOCATIONS = /^(START|END) RequestId/;
const REPORT = /^REPORT RequestId: .*?\tDuration: ([\d.]+) ms/;

const entrySchema = z.record(z.string(), z.unknown());

/** What stands in every line of Powertools, and says nothing on this machine. */
const LEFT_OUT = new Set([
  ...['timestamp', 'service', 'cold_start', 'sampling_rate', 'xray_trace_id', 'function_arn'],
  ...['function_memory_size', 'function_name', 'function_request_id', 'level', 'message'],
]);

/** New lines of a function's log, each with the time and the function's part before it, for people. */
export function describeLogLines(part: string, lines: readonly LogLine[]): string[] {
  const described = lines.flatMap(({ time, text }) => {
    const said = describeText(text);
    return said === undefined ? [] : [atTime(time, part, said)];
  });
  const durations = lines.flatMap(({ text }) => REPORT.exec(text)?.[1] ?? []).map(Number);
  if (durations.length === 0) return described;
  const [shortest, longest] = [Math.min(...durations), Math.max(...durations)].map(formatNumber);
  const range = shortest === longest ? `${longest} ms` : `${shortest} to ${longest} ms`;
  return [
    ...described,
    atTime(lines.at(-1)?.time ?? 0, part, `${count(durations.length, 'invocation')}, ${range}`),
  ];
}

/** `22:38:01  poller    drained` */
export function atTime(time: number, part: string, text: string): string {
  return `${new Date(time).toTimeString().slice(0, 8)}  ${part.padEnd(8)}  ${text}`;
}

function describeText(text: string): string | undefined {
  if (text === '' || AROUND_INVOCATIONS.test(text) || REPORT.test(text)) return undefined;
  const entry = parseEntry(text);
  if (entry === undefined) return printable(text);
  // Metrics.
  if ('_aws' in entry) return undefined;
  const fields = Object.entries(entry).filter(([key]) => !LEFT_OUT.has(key));
  const level = entry['level'] === 'INFO' ? '' : `${String(entry['level'])} `;
  return printable(
    `${level}${String(entry['message'])} ${describeFields(Object.fromEntries(fields))}`,
  ).trimEnd();
}

function parseEntry(text: string): Record<string, unknown> | undefined {
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** JSON without quotation marks, and without what is 0 or empty. */
function describeFields(fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).flatMap(([key, value]) => {
    const text = describeValue(value);
    return text === '' ? [] : [`${key}: ${text}`];
  });
  return shown.join(', ');
}

function describeValue(value: unknown): string {
  if (value === null || value === 0 || value === false) return '';
  if (typeof value === 'number') return value.toLocaleString('en');
  if (typeof value !== 'object') return typeof value === 'string' ? value : JSON.stringify(value);
  const text = describeFields(Object.fromEntries(Object.entries(value)));
  return text === '' ? '' : `{ ${text} }`;
}
