import { z } from 'zod';
import { count, formatNumber, printable } from '../../cli/output/table.ts';
import type { LogLine } from './function-logs.ts';

/** Lines that Lambda itself writes around each invocation. */
const INVOCATION_BOUNDARY = /^(START|END) RequestId/;
const REPORT = /^REPORT RequestId: .*?\tDuration: ([\d.]+) ms/;

const entrySchema = z.record(z.string(), z.unknown());

/** Fields that Powertools adds to every line, and that are of no interest on a local machine. */
const OMITTED_FIELDS = new Set([
  'timestamp',
  'service',
  'cold_start',
  'sampling_rate',
  'xray_trace_id',
  'function_arn',
  'function_memory_size',
  'function_name',
  'function_request_id',
  'level',
  'message',
]);

/** Formats new lines of a function's log for a terminal, each prefixed with its time and source. */
export function describeLogLines(source: string, lines: readonly LogLine[]): string[] {
  const described = lines.flatMap(({ time, text }) => {
    const description = describeText(text);
    return description === undefined ? [] : [atTime(time, source, description)];
  });
  const durations = lines.flatMap(({ text }) => REPORT.exec(text)?.[1] ?? []).map(Number);
  if (durations.length === 0) return described;
  const [min, max] = [Math.min(...durations), Math.max(...durations)].map(formatNumber);
  const range = min === max ? `${max} ms` : `${min} to ${max} ms`;
  return [
    ...described,
    atTime(lines.at(-1)?.time ?? 0, source, `${count(durations.length, 'invocation')}, ${range}`),
  ];
}

/** `22:38:01  poller    drained` */
export function atTime(time: number, source: string, text: string): string {
  return `${new Date(time).toTimeString().slice(0, 8)}  ${source.padEnd(8)}  ${text}`;
}

function describeText(text: string): string | undefined {
  if (text === '' || INVOCATION_BOUNDARY.test(text) || REPORT.test(text)) return undefined;
  const entry = parseEntry(text);
  if (entry === undefined) return printable(text);
  // A line of metrics, in the embedded metric format.
  if ('_aws' in entry) return undefined;
  const fields = Object.entries(entry).filter(([key]) => !OMITTED_FIELDS.has(key));
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

/** Formats fields like JSON, but without quotation marks and without zero or empty values. */
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
