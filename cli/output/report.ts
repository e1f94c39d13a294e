import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { Output } from '../context.ts';
import { count, formatTable, printable } from './table.ts';

const HEAD = [
  'channel',
  'entries',
  'statements',
  'log rows',
  'dirty events',
  'cache keys',
  'failed',
  'dead letters',
  'pending',
  'backlog',
];

/** Writes the result of a drain as one JSON object or as text. */
export function writeSummary(output: Output, summary: DrainSummary, json: boolean): void {
  output.write(json ? `${JSON.stringify(summary)}\n` : formatReport(summary));
}

/** The result of a drain as text. */
function formatReport(summary: DrainSummary): string {
  const channels = Object.entries(summary.channels);
  const rows = channels.map(([name, channel]) => [
    name,
    channel.entries,
    channel.statements,
    channel.logRows,
    channel.dirtyEvents,
    channel.cacheKeys,
    channel.failed,
    channel.deadLetters,
    channel.pending,
    channel.backlog ?? 'unknown',
  ]);
  const errors = channels.flatMap(([name, { error }]) =>
    error === undefined ? [] : [`${name}: ${printable(error.message)} (${error.code})`],
  );
  const table = rows.length === 0 ? [] : [formatTable(HEAD, rows), ''];
  return `${[...table, ...errors, formatOutcome(summary)].join('\n')}\n`;
}

/** Why the drain ended and the next step, in one line. */
export function formatOutcome(summary: DrainSummary): string {
  const detail = summary.message === undefined ? '' : ` ${toSentence(printable(summary.message))}`;
  const deadLetters = sum(summary, (channel) => channel.deadLetters);
  const moveToDeadLetters =
    deadLetters === 0
      ? ''
      : ` ${count(deadLetters, 'dead letter')} ${deadLetters === 1 ? 'was' : 'were'} added: see \`dead-letters list\`.`;
  return `${sentence(summary)}${detail}${moveToDeadLetters}`;
}

function toSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

function sentence(summary: DrainSummary): string {
  const entries = count(
    sum(summary, (channel) => channel.entries),
    'entry',
    'entries',
  );
  const seconds = summary.seconds.toFixed(1);
  const remaining = formatRemaining(summary);
  switch (summary.reason) {
    case 'drained':
      return `Drained ${entries} in ${seconds} s; no entries remain.`;
    case 'budget':
      return `The budget ended after ${seconds} s; ${remaining}. Run the command again, or raise --budget.`;
    case 'locked':
      return 'Nothing was drained because another consumer is running.';
    case 'lock-lost':
      return `Another consumer took over after ${seconds} s; ${remaining}.`;
    case 'stopped':
      return `Stopped after ${seconds} s and ${entries}; ${remaining}.`;
    case 'failed-entries':
      return `Drained ${entries} in ${seconds} s; ${remaining} and cannot be applied at present. Check the log, then run the command again.`;
    case 'pool-down':
      return `A server cannot be reached; ${remaining}. Start the server or correct the registry, then run the command again.`;
  }
}

function formatRemaining(summary: DrainSummary): string {
  const isUnknown = Object.values(summary.channels).some(({ backlog }) => backlog === null);
  const known = sum(summary, ({ pending, backlog }) => pending + (backlog ?? 0));
  return `${isUnknown ? 'at least ' : ''}${count(known, 'entry', 'entries')} ${known === 1 ? 'remains' : 'remain'}`;
}

function sum(summary: DrainSummary, countOf: (channel: DrainSummary['channels'][string]) => number): number {
  return Object.values(summary.channels).reduce((total, channel) => total + countOf(channel), 0);
}
