import Table from 'cli-table3';
import { count } from '../../../cli/output/table.ts';
import type { RowSample } from './row-samples.ts';
import type { StreamState } from './stream-states.ts';

/** No colors, because the report may be piped into a file. */
const PLAIN = { head: [], border: [], compact: true };

export interface DemoReport {
  readonly streamsBefore: readonly StreamState[];
  readonly streamsAfter: readonly StreamState[];
  readonly rowsBefore: readonly RowSample[];
  readonly rowsAfter: readonly RowSample[];
  /** Duration of the whole drain, including the start of its process. */
  readonly drainSeconds: number;
}

/** Formats the report as tables that fit into 110 columns. */
export function formatReport(report: DemoReport): string {
  return ['', formatStreams(report), formatRows(report), formatConclusion(report), ''].join('\n');
}

function formatStreams({ streamsBefore, streamsAfter }: DemoReport): string {
  const table = new Table({
    head: ['In Redis', 'entries before', 'after', 'backlog', 'pending', 'dead letters'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: PLAIN,
  });
  for (const [index, after] of streamsAfter.entries()) {
    const counts = [
      streamsBefore[index]?.entries,
      after.entries,
      after.unread,
      after.pending,
      after.deadLetters,
    ];
    table.push([after.stream, ...counts.map((count) => count?.toLocaleString('en') ?? '-')]);
  }
  return table.toString();
}

function formatRows({ rowsBefore, rowsAfter }: DemoReport): string {
  const table = new Table({
    head: ['In MySQL', 'before', 'after'],
    colWidths: [24, 41, 41],
    wordWrap: true,
    style: PLAIN,
  });
  for (const [index, { title, row }] of rowsAfter.entries())
    table.push([title, rowsBefore[index]?.row ?? '', row]);
  return table.toString();
}

function formatConclusion({ streamsBefore, streamsAfter, drainSeconds }: DemoReport): string {
  const consumed = sum(streamsBefore, ({ stream, entries }) =>
    isConsumed(streamsAfter, stream) ? entries : 0,
  );
  const perSecond = Math.round(consumed / drainSeconds).toLocaleString('en');
  const rate = `${consumed.toLocaleString('en')} entries in ${drainSeconds.toFixed(1)} s: ${perSecond} per second.`;
  const remaining = sum(streamsAfter, ({ unread = 0, pending = 0 }) => unread + pending);
  const deadLetters = sum(streamsAfter, (state) => state.deadLetters);
  if (remaining > 0)
    return `${rate} ${count(remaining, 'entry', 'entries')} ${remaining === 1 ? 'remains' : 'remain'}.`;
  return `${rate} No entries remain; ${deadLetters === 0 ? 'no dead letters' : count(deadLetters, 'dead letter')}.`;
}

/** False for the streams of dirty events, which other consumers read. */
function isConsumed(states: readonly StreamState[], stream: string): boolean {
  return states.some((state) => state.stream === stream && state.pending !== undefined);
}

function sum(states: readonly StreamState[], count: (state: StreamState) => number): number {
  return states.reduce((total, state) => total + count(state), 0);
}
