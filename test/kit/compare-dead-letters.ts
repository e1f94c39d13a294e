import type { ExpectedDeadLetter, Outcome } from '../oracle/outcome.ts';
import type { StreamEntry } from '../oracle/stream-entry.ts';
import { compareCounts, type Difference } from './difference.ts';
import type { DeadLetter, State } from './state.ts';

/** Expects the same dead letters with the same codes, each with the fields of its entry and the remaining work. */
export function compareDeadLetters(
  expected: Outcome,
  { deadLetters }: State,
  entries: readonly StreamEntry[],
): Difference[] {
  const sources = new Map(entries.map(({ stream, id, fields }) => [`${stream} ${id}`, fields]));
  const wanted = new Map(expected.deadLetters.map((letter) => [expectedText(letter), letter]));
  return [
    ...compareCounts(expected.deadLetters.map(expectedText), deadLetters.map(actualText)),
    ...deadLetters.flatMap((letter) => [
      ...compareFields(letter, sources.get(`${letter.stream} ${letter.entry}`)),
      ...compareUnapplied(letter, wanted.get(actualText(letter))?.unapplied),
    ]),
  ];
}

/** The expected code of a dead letter: MySQL's error number, or the consumer's own code if MySQL reported no error. */
export function deadLetterCode({ kind, errno }: ExpectedDeadLetter): string {
  const names = { wire: 'undecodable', pool: 'unknown-pool', policy: 'refused-statement' };
  return kind === 'mysql' ? String(errno) : names[kind];
}

function expectedText(letter: ExpectedDeadLetter): string {
  return `dead letter ${letter.stream} ${letter.id} ${deadLetterCode(letter)}`;
}

function actualText({ stream, entry, code }: DeadLetter): string {
  return `dead letter ${stream} ${entry} ${code}`;
}

function compareFields(letter: DeadLetter, source: StreamEntry['fields'] | undefined): Difference[] {
  if (source === undefined || textOf(source) === textOf(letter.fields)) return [];
  return [{ kind: 'changed', what: `fields in ${actualText(letter)}` }];
}

function textOf(fields: StreamEntry['fields']): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value.toString('base64')}`)
    .toSorted()
    .join();
}

function compareUnapplied(letter: DeadLetter, wanted: ExpectedDeadLetter['unapplied']): Difference[] {
  if (wanted === undefined) return [];
  const found: Record<string, unknown> = JSON.parse(letter.unapplied);
  return Object.entries(wanted).flatMap(([part, indexes]): Difference[] => {
    const [before, after] = [JSON.stringify(indexes), JSON.stringify(found[part])];
    if (before === after) return [];
    return [
      { kind: 'changed', what: `unapplied ${part} in ${actualText(letter)}: ${after} instead of ${before}` },
    ];
  });
}
