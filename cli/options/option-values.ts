import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../infra/local/cli/duration.ts';

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
