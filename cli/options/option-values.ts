import { InvalidArgumentError } from 'commander';

const UNITS_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** A longer duration overflows a Node timer, which would then fire immediately. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

/** Parsers of option values. Each throws commander's error, which names the option and its value. */

export function duration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) {
    throw new InvalidArgumentError(
      'Specify a number with the unit ms, s, m or h, such as 1500ms, 50s or 2m, up to 24 days.',
    );
  }
  return milliseconds;
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`Specify a whole number from ${min} to ${max}.`);
    return number;
  };
}

export function databaseName(text: string): string {
  if (!/^[\w$-]{1,64}$/.test(text))
    throw new InvalidArgumentError('Specify a database name of 1 to 64 letters, digits, _, $ or -.');
  return text;
}

/** `call,set` as `['CALL', 'SET']`. */
export function statementVerbs(text: string): string[] {
  const verbs = text.split(',').map((verb) => verb.trim().toUpperCase());
  if (!verbs.every((verb) => /^[A-Z]+$/.test(verb)))
    throw new InvalidArgumentError('Specify SQL verbs separated by commas, such as CALL,SET.');
  return [...new Set(verbs)];
}

export function streamEntryId(text: string): string {
  if (!/^\d+-\d+$/.test(text)) {
    throw new InvalidArgumentError(
      'Specify the id as shown by `dead-letters list`, such as 1700000000000-0.',
    );
  }
  return text;
}

/** `1500ms`, `50s`, `1.5m` or `2h` in milliseconds, at least 1; `undefined` for anything else, and beyond 24 days. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const milliseconds = Math.round(Number(amount) * (UNITS_MS.get(unit) ?? Number.NaN));
  return milliseconds >= 1 && milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
}
