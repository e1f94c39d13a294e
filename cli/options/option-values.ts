import { InvalidArgumentError } from 'commander';

const UNITS_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** More would not fit into a timer of Node, which would then end at once. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

/** Readers of option values. Each throws commander's error, which names the option and what stands there. */

export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) {
    throw new InvalidArgumentError(
      'Write a number with ms, s, m or h, such as 1500ms, 50s or 2m, up to 24 days.',
    );
  }
  return milliseconds;
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    return number;
  };
}

export function databaseName(text: string): string {
  if (!/^[\w$-]{1,64}$/.test(text))
    throw new InvalidArgumentError('Write a database name of 1 to 64 letters, digits, _, $ or -.');
  return text;
}

/** `call,set` as `['CALL', 'SET']`. */
export function statementVerbs(text: string): string[] {
  const verbs = text.split(',').map((verb) => verb.trim().toUpperCase());
  if (!verbs.every((verb) => /^[A-Z]+$/.test(verb))) {
    throw new InvalidArgumentError(
      "Write statements' first words with commas between them, such as CALL,SET.",
    );
  }
  return [...new Set(verbs)];
}

export function streamEntryId(text: string): string {
  if (!/^\d+-\d+$/.test(text))
    throw new InvalidArgumentError('Write the id as `dead-letters list` shows it, such as 1700000000000-0.');
  return text;
}

/** `1500ms`, `50s`, `1.5m` or `2h` in milliseconds, at least 1; `undefined` for anything else, and beyond 24 days. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(amount) * (UNITS_MS.get(unit) ?? Number.NaN));
  return milliseconds >= 1 && milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
}
