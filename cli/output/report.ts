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

/** What a drain did: one JSON object, or text for people. */
export function writeSummary(output: Output, summary: DrainSummary, json: boolean): void {
  output.write(json ? `${JSON.stringify(summary)}\n` : formatReport(summary));
}

/** What a drain did, for people. */
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

/** Why the drain ended and what to do next, in one line. */
export function formatOutcome(summary: DrainSummary): string {
  const detail = summary.message === undefined ? '' : ` ${toSentence(printable(summary.message))}`;
  const deadLetters = sum(summary, (channel) => channel.deadLetters);
  const moveToDeadLetters =
    deadLetters === 0 ? '' : ` ${count(deadLetters, 'dead letter')}: see \`dead-letters list\`.`;
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
  const left = leftOf(summary);
  switch (summary.reason) {
    case 'drained':
      return `Drained ${entries} in ${seconds} s; nothing is left.`;
    case 'budget':
      return `The budget is over after ${seconds} s and ${left}: run it again, or raise --budget.`;
    case 'locked':
      return 'Nothing was drained: another consumer is running.';
    case 'lock-lost':
      return `Another consumer has taken over after ${seconds} s; ${left} to it.`;
    case 'stopped':
      return `Stopped after ${seconds} s and ${entries}; ${left}.`;
    case 'failed-entries':
      return `Drained ${entries} in ${seconds} s; ${left} that can't be applied now: see the log, then run it again.`;
    case 'pool-down':
      return `A server can't be reached, and ${left}: start it or correct the registry, then run it again.`;
  }
}

function leftOf(summary: DrainSummary): string {
  const isUnknown = Object.values(summary.channels).some(({ backlog }) => backlog === null);
  const known = sum(summary, ({ pending, backlog }) => pending + (backlog ?? 0));
  const verb = known === 1 ? 'is' : 'are';
  return `${isUnknown ? 'at least ' : ''}${count(known, 'entry', 'entries')} ${verb} left`;
}

function sum(summary: DrainSummary, countOf: (channel: DrainSummary['channels'][string]) => number): number {
  return Object.values(summary.channels).reduce((total, channel) => total + countOf(channel), 0);
}
