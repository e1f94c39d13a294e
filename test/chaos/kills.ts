import type { Random } from '../kit/generate/random.ts';
import { FAILPOINTS, type Failpoint } from './failpoints.ts';
import type { Safeguard } from './safeguards.ts';

/**
 * Kills a process at a failpoint, or some time after it has started to drain. In tail mode entries are added while the
 * process drains, otherwise before it starts.
 */
export type Kill = (
  | { readonly failpoint: Failpoint; readonly hit: number }
  | { readonly afterMs: number }
) & {
  readonly isTail: boolean;
};

/**
 * Processes that are killed before one may finish. An entry that was being processed at each of seven kills becomes a
 * dead letter as a poison entry, as it must; with fewer kills in a row no entry can.
 */
const MIN_KILLS_IN_A_ROW = 3;
const MAX_KILLS_IN_A_ROW = 4;

/** Every fourth kill happens in tail mode. */
const TAIL_EVERY = 4;

/** Kills after an entry was executed and before it was settled: these show whether it is executed again. */
const UNSETTLED: readonly Failpoint[] = [
  'executor:committed',
  'executor:answered',
  'poller:executed',
  'poller:logged',
  'poller:cross-pool',
];

/** Failpoints at which a kill reveals that the safeguard is missing. */
const REVEALING_FAILPOINTS: Readonly<Record<Safeguard, readonly Failpoint[]>> = {
  ledger: UNSETTLED,
  fence: UNSETTLED,
  settle: UNSETTLED,
  order: UNSETTLED,
  position: ['executor:sent'],
  progress: ['executor:page'],
  groups: ['poller:trimmed'],
  acknowledgement: ['handler:called'],
  lines: ['handler:done'],
  'ack-first': UNSETTLED,
  'foreign-counts': UNSETTLED,
  'redrive-whole': UNSETTLED,
  rewind: UNSETTLED,
  'errors-permanent': UNSETTLED,
  'predicted-id': UNSETTLED,
};

/** The poller prunes on a timer, so only a drain that lasts long enough gets there. */
const SLOW_FAILPOINT: Failpoint = 'poller:pruned';
const MAX_AFTER_MS = 250;
const MAX_HIT = 8;

/** Visits the failpoints in turn, with a kill at a random time after every two of them. */
export class KillSequence {
  readonly #random: Random;
  readonly #failpoints: readonly Failpoint[];
  readonly #tailEvery: number | undefined;
  #next = 0;

  constructor(random: Random, broken: readonly Safeguard[]) {
    const revealing = broken.flatMap((safeguard) => REVEALING_FAILPOINTS[safeguard]);
    this.#random = random;
    this.#failpoints = random.shuffled(broken.length === 0 ? FAILPOINTS : [...new Set(revealing)]);
    this.#tailEvery = chooseTailEvery(broken);
  }

  take(max: number): Kill[] {
    const count = Math.min(max, this.#random.integer(MIN_KILLS_IN_A_ROW, MAX_KILLS_IN_A_ROW));
    return Array.from({ length: count }, () => this.#takeOne());
  }

  #takeOne(): Kill {
    const index = this.#next++;
    const isTail = this.#tailEvery !== undefined && index % this.#tailEvery === 0;
    if (index % 3 === 2) return { afterMs: this.#random.integer(0, MAX_AFTER_MS), isTail };
    const failpoint =
      this.#failpoints[(index - Math.floor(index / 3)) % this.#failpoints.length] ?? SLOW_FAILPOINT;
    return {
      failpoint,
      hit: chooseHit(failpoint, this.#random),
      isTail: isTail && failpoint !== SLOW_FAILPOINT,
    };
  }
}

/**
 * A process in tail mode may be killed before it reaches its failpoint. With broken safeguards every kill should reveal
 * that they are missing, so tail mode is used only for the safeguard that depends on it.
 */
function chooseTailEvery(broken: readonly Safeguard[]): number | undefined {
  if (broken.length === 0) return TAIL_EVERY;
  return broken.includes('position') ? 1 : undefined;
}

/** A drain of a few entries reaches some failpoints once, and others once per entry or batch. */
function chooseHit(failpoint: Failpoint, random: Random): number {
  switch (failpoint) {
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
      return random.integer(1, MAX_HIT);
  }
}

export function isAtSlowFailpoint(kill: Kill): boolean {
  return 'failpoint' in kill && kill.failpoint === SLOW_FAILPOINT;
}
