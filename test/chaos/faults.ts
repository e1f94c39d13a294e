import type { Random } from '../kit/generate/random.ts';
import type { Point } from './child-instructions.ts';
import type { Kill } from './kills.ts';
import type { Mechanism } from './safeguards.ts';

/** What happens to the consumer while it drains a part of what there is. */
export type Trouble =
  /** The process is killed, again and again, and then left alone to finish. */
  | { readonly kind: 'kills'; readonly kills: readonly Kill[] }
  /** The process is stopped past its lock's time to live; another one takes over; the first one goes on. */
  | { readonly kind: 'pause'; readonly point: Point; readonly hit: number; readonly maxMs: number }
  /** Connections to the servers fail. */
  | { readonly kind: 'network'; readonly to: 'mysql' | 'redis'; readonly isTail?: boolean }
  /** Invocations of the executor are lost. */
  | { readonly kind: 'invocations' }
  /** A server is stopped in the middle, orderly or by a crash, and started again. */
  | { readonly kind: 'restart'; readonly of: 'mysql' | 'redis' | 'shop'; readonly how: 'crash' | 'orderly' };

/**
 * Points, hits, and how long a pause lasts unless the other process is done before. The first one holds a transaction
 * open for longer than the server lets it.
 */
const PAUSES: readonly (readonly [point: Point, hit: number, maxMs: number])[] = [
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

/** Pauses after which it shows that the mechanism is missing, several times over. */
const TELLING_PAUSES: Partial<Readonly<Record<Mechanism, readonly Point[]>>> = {
  fence: ['executor:sent', 'executor:sent', 'executor:sent'],
  settle: ['poller:cross-pool'],
};

/** Every trouble beside the kills, in an order of the seed's; with broken mechanisms only those that may show it. */
export function otherTroubles(random: Random, broken: readonly Mechanism[]): Trouble[] {
  const pauses = PAUSES.map(([point, hit, maxMs]) => ({ kind: 'pause', point, hit, maxMs }) as const);
  if (broken.length === 0) return random.shuffled<Trouble>([...pauses, ...FAULTS]);
  return broken
    .flatMap((mechanism) => TELLING_PAUSES[mechanism] ?? [])
    .flatMap((point) => pauses.filter((pause) => pause.point === point));
}

const FAULTS: readonly Trouble[] = [
  { kind: 'network', to: 'mysql' },
  { kind: 'network', to: 'mysql', isTail: true },
  { kind: 'network', to: 'redis' },
  { kind: 'network', to: 'redis', isTail: true },
  { kind: 'invocations' },
  { kind: 'invocations' },
  { kind: 'restart', of: 'mysql', how: 'crash' },
  { kind: 'restart', of: 'mysql', how: 'orderly' },
  { kind: 'restart', of: 'redis', how: 'crash' },
  { kind: 'restart', of: 'redis', how: 'orderly' },
  { kind: 'restart', of: 'shop', how: 'crash' },
];
