import type { Random } from '../kit/generate/random.ts';
import type { Failpoint } from './failpoints.ts';
import type { Kill } from './kills.ts';
import type { Safeguard } from './safeguards.ts';

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
    };

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

/** Every fault other than kills, in an order that the seed decides; with broken safeguards only the revealing ones. */
export function otherFaults(random: Random, broken: readonly Safeguard[]): Fault[] {
  const pauses = PAUSES.map(([failpoint, hit, maxMs]) => ({ kind: 'pause', failpoint, hit, maxMs }) as const);
  if (broken.length === 0) return random.shuffled<Fault>([...pauses, ...SERVER_FAULTS]);
  return broken
    .flatMap((safeguard) => REVEALING_PAUSES[safeguard] ?? [])
    .flatMap((failpoint) => pauses.filter((pause) => pause.failpoint === failpoint));
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
