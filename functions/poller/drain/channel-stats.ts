import type { ChannelSummary } from '../../../shared/drain-summary.ts';
import type { GroupFacts } from '../redis/stream-status.ts';
import type { EntryOutcome } from '../settlement/entry-outcome.ts';

/** Counts what a drain does with one channel. */
export class ChannelStats {
  readonly #stream: string;
  #entries = 0;
  #statements = 0;
  #logRows = 0;
  #dirtyEvents = 0;
  #cacheKeys = 0;
  #failed = 0;
  #deadLetters = 0;
  #documents: number | undefined;
  #trimmed: number | undefined;
  #pending = 0;
  #backlog: number | null = null;
  #error: ChannelSummary['error'];

  constructor(stream: string) {
    this.#stream = stream;
  }

  add(outcome: EntryOutcome): void {
    if (outcome.documents !== undefined) this.#documents = (this.#documents ?? 0) + outcome.documents;
    if (outcome.trimmed !== undefined) this.#trimmed = (this.#trimmed ?? 0) + outcome.trimmed;
    if (!outcome.isSettled) return;
    this.#entries++;
    this.#statements += outcome.statements;
    this.#logRows += outcome.logRows;
    this.#dirtyEvents += outcome.dirtyEvents;
    this.#cacheKeys += outcome.cacheKeys;
    this.#failed += outcome.failed;
    if (outcome.isDeadLetter) this.#deadLetters++;
  }

  /** What Redis says is left. */
  setRemaining(group: Pick<GroupFacts, 'pending' | 'lag'>): void {
    this.#pending = group.pending;
    this.#backlog = group.lag;
  }

  setError(error: { readonly code: string; readonly message: string } | undefined): void {
    this.#error = error;
  }

  get summary(): ChannelSummary {
    return {
      stream: this.#stream,
      entries: this.#entries,
      statements: this.#statements,
      logRows: this.#logRows,
      dirtyEvents: this.#dirtyEvents,
      cacheKeys: this.#cacheKeys,
      failed: this.#failed,
      deadLetters: this.#deadLetters,
      ...(this.#documents === undefined ? {} : { documents: this.#documents }),
      ...(this.#trimmed === undefined ? {} : { trimmed: this.#trimmed }),
      pending: this.#pending,
      backlog: this.#backlog,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }
}
