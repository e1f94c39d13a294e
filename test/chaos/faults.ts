import type { Random } from '../kit/generate/random.ts';
import type { Failpoint } from './failpoints.ts';
import type { AccessRight } from './injections/access-rights.ts';
import type { Persistence } from './injections/lost-second.ts';
import type { Kill } from './kills.ts';
import type { Safeguard } from './safeguards.ts';

/** Kinds of faults other than kills, each of which `--faults` can select. */
export const FAULT_KINDS = [
  'pause',
  'network',
  'invocations',
  'restart',
  'acl',
  'delivery-counts',
  'locks',
  'assigned-ids',
  'server-errors',
  'redrives',
  'lost-second',
  'set-back',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What happens to the consumer while it drains one part of the entries. */
export type Fault =
  /** Processes are killed one after another; the one after them may finish. */
  | { readonly kind: 'kills'; readonly kills: readonly Kill[] }
  /** A process is paused until its lock has expired; another process takes over; then the first one resumes. */
  | { readonly kind: 'pause'; readonly failpoint: Failpoint; readonly hit: number; readonly maxMs: number }
  /** Connections to the servers fail. */
  | { readonly kind: 'network'; readonly to: 'mysql' | 'redis'; readonly isTail?: boolean }
  /** Invocations of the executor are lost. */
  | { readonly kind: 'invocations' }
  /** A server is stopped in the middle of a drain, cleanly or by SIGKILL, and started again. */
  | {
      readonly kind: 'restart';
      readonly server: 'mysql' | 'redis' | 'shop';
      readonly how: 'crash' | 'orderly';
    }
  /** The consumer's Redis user may not write some keys for random times. */
  | { readonly kind: 'acl'; readonly taken: AccessRight }
  /** Another program raises the delivery counts of pending entries. */
  | { readonly kind: 'delivery-counts' }
  /** An application's session holds the locks of rows for longer than the lock wait timeout. */
  | { readonly kind: 'locks' }
  /** Processes are killed between the insert of a row whose ID a trigger assigns and its log row. */
  | { readonly kind: 'assigned-ids' }
  /** For random times the server refuses statements for reasons that lie in the server. */
  | { readonly kind: 'server-errors' }
  /** Dead letters are redriven at random moments, and a MySQL pool leaves the registry for a while. */
  | { readonly kind: 'redrives' }
  /** Redis crashes and comes back without its last second. */
  | { readonly kind: 'lost-second'; readonly persistence: Persistence }
  /** Someone sets the consumer's group back to an earlier entry while it drains. */
  | { readonly kind: 'set-back' };

/**
 * Failpoints, hits, and the maximum length of the pause: it ends earlier if the other process finishes earlier. The
 * first pause holds a transaction open for longer than the server allows.
 */
const PAUSES: readonly (readonly [failpoint: Failpoint, hit: number, maxMs: number])[] = [
  ['executor:executed', 1, 30_000],
  ['executor:executed', 2, 2000],
  ['executor:recorded', 1, 1500],
  ['executor:sent', 1, 5000],
  ['executor:sent', 2, 5000],
  ['executor:committed', 1, 5000],
  ['executor:answered', 2, 5000],
  ['executor:page', 2, 5000],
  ['poller:locked', 1, 1500],
  ['poller:read', 1, 5000],
  ['poller:executed', 4, 1500],
  ['poller:logged', 2, 5000],
  ['poller:cross-pool', 3, 5000],
  ['poller:cross-pool', 6, 1500],
  ['poller:trimmed', 2, 5000],
  ['handler:called', 3, 5000],
  ['handler:done', 2, 1500],
];

/** Failpoints at which a pause reveals that the safeguard is missing; some are repeated to make sure. */
const REVEALING_PAUSES: Partial<Readonly<Record<Safeguard, readonly Failpoint[]>>> = {
  fence: ['executor:sent', 'executor:sent', 'executor:sent'],
  settle: ['poller:cross-pool'],
};

/** Faults that reveal that the safeguard is missing; some are repeated to make sure. */
const REVEALING_FAULTS: Partial<Readonly<Record<Safeguard, readonly Fault[]>>> = {
  'ack-first': [{ kind: 'acl', taken: 'dirty streams' }],
  'foreign-counts': [{ kind: 'delivery-counts' }, { kind: 'delivery-counts' }],
  'redrive-whole': [{ kind: 'redrives' }],
  rewind: [{ kind: 'set-back' }],
  'errors-permanent': [{ kind: 'server-errors' }],
  'predicted-id': [{ kind: 'assigned-ids' }, { kind: 'assigned-ids' }],
};

/**
 * Every fault of these kinds, in an order that the seed decides, beginning with one of each kind. With broken safeguards
 * only the revealing ones.
 */
export function otherFaults(
  random: Random,
  broken: readonly Safeguard[],
  kinds: readonly FaultKind[],
): Fault[] {
  const pauses = PAUSES.map(([failpoint, hit, maxMs]) => ({ kind: 'pause', failpoint, hit, maxMs }) as const);
  if (broken.length === 0) {
    const chosen = new Set<string>(kinds);
    const faults: Fault[] = [...pauses, ...SERVER_FAULTS, ...FOREIGN_FAULTS];
    return oneOfEachKindFirst(random.shuffled(faults.filter(({ kind }) => chosen.has(kind))));
  }
  const revealingPauses = broken
    .flatMap((safeguard) => REVEALING_PAUSES[safeguard] ?? [])
    .flatMap((failpoint) => pauses.filter((pause) => pause.failpoint === failpoint));
  return [...revealingPauses, ...broken.flatMap((safeguard) => REVEALING_FAULTS[safeguard] ?? [])];
}

function oneOfEachKindFirst(faults: readonly Fault[]): Fault[] {
  const isFirst = (fault: Fault) => faults.find(({ kind }) => kind === fault.kind) === fault;
  return [...faults.filter(isFirst), ...faults.filter((fault) => !isFirst(fault))];
}

const SERVER_FAULTS: readonly Fault[] = [
  { kind: 'network', to: 'mysql' },
  { kind: 'network', to: 'mysql', isTail: true },
  { kind: 'network', to: 'redis' },
  { kind: 'network', to: 'redis', isTail: true },
  { kind: 'invocations' },
  { kind: 'invocations' },
  { kind: 'restart', server: 'mysql', how: 'crash' },
  { kind: 'restart', server: 'mysql', how: 'orderly' },
  { kind: 'restart', server: 'redis', how: 'crash' },
  { kind: 'restart', server: 'redis', how: 'orderly' },
  { kind: 'restart', server: 'shop', how: 'crash' },
];

/** Faults that other programs and their operators cause. */
const FOREIGN_FAULTS: readonly Fault[] = [
  { kind: 'acl', taken: 'cache keys' },
  { kind: 'acl', taken: 'dirty streams' },
  { kind: 'acl', taken: 'dead letters' },
  { kind: 'delivery-counts' },
  { kind: 'delivery-counts' },
  { kind: 'locks' },
  { kind: 'assigned-ids' },
  { kind: 'server-errors' },
  { kind: 'server-errors' },
  { kind: 'redrives' },
  { kind: 'redrives' },
  { kind: 'lost-second', persistence: 'aof' },
  { kind: 'lost-second', persistence: 'rdb' },
  { kind: 'set-back' },
];
