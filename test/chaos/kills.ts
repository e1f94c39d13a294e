import type { Random } from '../kit/generate/random.ts';
import { POINTS, type Point } from './child-instructions.ts';
import type { Mechanism } from './safeguards.ts';

/**
 * Of a process: at a labelled point, or an instant after it began to drain. In tail mode entries are added while it
 * drains, else before.
 */
export type Kill = ({ readonly point: Point; readonly hit: number } | { readonly afterMs: number }) & {
  readonly isTail: boolean;
};

/**
 * Kills that one part of what there is meets, at most. Entries that are there at each of seven kills are suspected of
 * being the killers, as they must be.
 */
const KILLS_AT_ONCE = 4;

/** Each so many-th kill is one in tail mode. */
const TAIL_EVERY = 4;

/** Where what is done is not settled: kills that show whether it is done again. */
const UNSETTLED: readonly Point[] = [
  'executor:committed',
  'executor:answered',
  'poller:executed',
  'poller:logged',
  'poller:cross-pool',
];

/** Kills after which it shows that the mechanism is missing. */
const TELLING_POINTS: Readonly<Record<Mechanism, readonly Point[]>> = {
  ledger: UNSETTLED,
  fence: UNSETTLED,
  settle: UNSETTLED,
  order: UNSETTLED,
  position: ['executor:sent'],
  progress: ['executor:page'],
  groups: ['poller:trimmed'],
  acknowledgement: ['handler:called'],
  lines: ['handler:done'],
};

/** Between two ticks of the poller's clock: only a drain that lasts gets there. */
const SLOW_POINT: Point = 'poller:pruned';
const LATEST_INSTANT_MS = 250;
const LATEST_HIT = 8;

/** The points in turn, and a random instant after every two of them. */
export class KillSequence {
  readonly #random: Random;
  readonly #points: readonly Point[];
  readonly #tailEvery: number;
  #next = 0;

  constructor(random: Random, broken: readonly Mechanism[]) {
    const telling = broken.flatMap((mechanism) => TELLING_POINTS[mechanism]);
    this.#random = random;
    this.#points = random.shuffled(broken.length === 0 ? POINTS : [...new Set(telling)]);
    this.#tailEvery = broken.includes('position') ? 1 : TAIL_EVERY;
  }

  take(most: number): Kill[] {
    const count = Math.min(most, this.#random.integer(3, KILLS_AT_ONCE));
    return Array.from({ length: count }, () => this.#takeOne());
  }

  #takeOne(): Kill {
    const place = this.#next++;
    const isTail = place % this.#tailEvery === 0;
    if (place % 3 === 2) return { afterMs: this.#random.integer(0, LATEST_INSTANT_MS), isTail };
    const point = this.#points[(place - Math.floor(place / 3)) % this.#points.length] ?? SLOW_POINT;
    return { point, hit: hitOf(point, this.#random), isTail: isTail && point !== SLOW_POINT };
  }
}

/** Points that a drain of a few entries reaches once, and those that it reaches for each entry or batch. */
function hitOf(point: Point, random: Random): number {
  switch (point) {
    case 'poller:pruned':
    case 'executor:claimed':
      return 1;
    case 'poller:locked':
    case 'poller:releasing':
    case 'executor:page':
      return random.integer(1, 2);
    case 'poller:read':
    case 'poller:trimmed':
    case 'poller:indexed':
      return random.integer(1, 3);
    case 'executor:sent':
    case 'executor:executed':
    case 'executor:recorded':
    case 'executor:committed':
    case 'executor:answered':
    case 'handler:called':
    case 'handler:done':
      return random.integer(1, 4);
    case 'poller:executed':
    case 'poller:logged':
    case 'poller:cross-pool':
    case 'poller:settled':
      return random.integer(1, LATEST_HIT);
  }
}

/** Only a drain that lasts gets there. */
export function isSlowPoint(kill: Kill): boolean {
  return 'point' in kill && kill.point === SLOW_POINT;
}
