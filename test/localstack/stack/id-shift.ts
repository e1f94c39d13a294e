import type { Recording } from '../../../infra/local/recording/recording.ts';
import type { Outcome } from '../../oracle/outcome.ts';

/** Shifts all entry IDs by the same number of milliseconds, because the IDs of a stream must increase. */
export class IdShift {
  readonly #offsetMs: number;

  /** @param afterMs the time in milliseconds that all shifted IDs must exceed */
  constructor({ entries }: Recording, afterMs: number) {
    this.#offsetMs = afterMs + 1 - Math.min(...entries.map(({ id }) => millisecondsOf(id)));
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
    return `${millisecondsOf(id) + this.#offsetMs}-${id.split('-')[1]}`;
  }
}

export function millisecondsOf(id: string): number {
  return Number(id.split('-')[0]);
}
