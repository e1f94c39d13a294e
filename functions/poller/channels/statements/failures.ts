import type { Unapplied } from '../../../../shared/dead-letter.ts';
import type { WorkResult } from '../../ledger/work-item.ts';
import { NOTHING_APPLIED } from '../../settlement/dead-letter-entry.ts';
import type { Effects, ResolvedEffect } from './effects.ts';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

const NO_ROW: Failure = {
  code: 'no-row',
  message: 'the event has more log values or dirty events of new rows than it inserts rows',
};

/** Collects the failures of one entry for its dead letter. */
export class Failures {
  readonly #failures: Failure[] = [];
  readonly #logs: ResolvedEffect[] = [];
  readonly #publications: { effect: ResolvedEffect; stream: string }[] = [];
  #effects: Effects | undefined;
  #isWhole = false;

  get count(): number {
    return this.#failures.length;
  }

  get first(): Failure | undefined {
    return this.#failures[0];
  }

  /** Nothing of the entry was or will be applied. */
  whole(failure: Failure): void {
    this.#isWhole = true;
    this.#failures.push(failure);
  }

  statements(results: readonly WorkResult[], effects: Effects): void {
    this.#effects = effects;
    for (const result of results) if (result.kind === 'failed') this.#failures.push(result);
    const { logs, dirty } = effects.withoutRow;
    if (logs.length + dirty.length > 0) this.#failures.push(NO_ROW);
  }

  log(effect: ResolvedEffect, failure: Failure): void {
    this.#logs.push(effect);
    this.#failures.push(failure);
  }

  publication(effect: ResolvedEffect, stream: string, failure: Failure): void {
    this.#publications.push({ effect, stream });
    this.#failures.push(failure);
  }

  /** The remaining work; undefined if nothing failed. */
  unapplied(): Unapplied | undefined {
    if (this.#isWhole) return NOTHING_APPLIED;
    if (this.#failures.length === 0) return undefined;
    const withStatements = this.#effects?.unapplied;
    const dirtyStreams: Record<string, string[]> = {};
    for (const { effect, stream } of this.#publications)
      dirtyStreams[effect.index] = [...(dirtyStreams[effect.index] ?? []), stream];
    return {
      all: false,
      statements: withStatements?.statements ?? [],
      logs: [...(withStatements?.logs ?? []), ...this.#logs.map(({ index }) => index)],
      dirty: [...(withStatements?.dirty ?? []), ...Object.keys(dirtyStreams).map(Number)],
      cacheKeys: withStatements?.cacheKeys ?? [],
      logIds: idsOf(this.#logs),
      dirtyIds: idsOf(this.#publications.map(({ effect }) => effect)),
      dirtyStreams,
    };
  }
}

function idsOf(effects: readonly ResolvedEffect[]): Record<string, string> {
  return Object.fromEntries(effects.map(({ index, id }) => [index, id.toString()]));
}
