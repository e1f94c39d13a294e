import type { Recording } from '../../../infra/local/recording/recording.ts';
import type { Outcome } from '../../oracle/outcome.ts';

/** Entry ids put off by as many milliseconds, so that a history can follow what its streams have held before. */
export class IdShift {
  readonly #byMs: number;

  /** `afterMs`: what all ids must be greater than. */
  constructor({ entries }: Recording, afterMs: number) {
    this.#byMs = afterMs + 1 - Math.min(...entries.map(({ id }) => millisecondsOf(id)));
  }

  recording(recording: Recording): Recording {
    return {
      ...recording,
      entries: recording.entries.map((entry) => ({ ...entry, id: this.#id(entry.id) })),
    };
  }

  outcome(outcome: Outcome): Outcome {
    const deadLetters = outcome.deadLetters.map((letter) => ({ ...letter, id: this.#id(letter.id) }));
    return { ...outcome, deadLetters };
  }

  #id(id: string): string {
    return `${millisecondsOf(id) + this.#byMs}-${id.split('-')[1]}`;
  }
}

export function millisecondsOf(id: string): number {
  return Number(id.split('-')[0]);
}
