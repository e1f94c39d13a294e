import type { DrainReason, DrainSummary } from '../../../shared/drain-summary.ts';
import type { BackgroundConsumerError } from '../../../shared/errors.ts';
import { withNextStep } from '../../../shared/errors.ts';
import type { PoolFailure } from '../ledger/executor-requests.ts';
import type { DeferredItem } from '../ledger/work-item.ts';
import type { LockHolder } from '../redis/lock.ts';
import type { PoolDrainEnd } from './pool-drain.ts';

/** How the drain of one Redis pool ended. */
export type PoolEnd =
  | PoolDrainEnd
  | { readonly kind: 'locked'; readonly holder: LockHolder }
  | { readonly kind: 'unreachable'; readonly error: BackgroundConsumerError };

export type DrainConclusion = Pick<DrainSummary, 'complete' | 'reason' | 'message'>;

/**
 * Why a drain ended, in words.
 *
 * @param isEmpty whether Redis reports neither pending nor unread entries
 * @param isStopped whether the drain was asked to stop
 */
export function concludeDrain(
  ends: readonly PoolEnd[],
  isEmpty: boolean,
  isStopped: boolean,
): DrainConclusion {
  for (const end of ends) {
    const reason = reasonOfEnd(end);
    if (reason !== undefined) return { complete: false, ...reason };
  }
  const isKnown = ends.every((end) => !('isRemainingKnown' in end) || end.isRemainingKnown);
  if (isKnown && isEmpty) return { complete: true, reason: 'drained' };
  const refusals = ends.flatMap((end) => ('refusals' in end ? [...end.refusals] : []));
  const failures = [...describeMysqlFailures(ends), ...describeStreamFailures(ends)];
  const message = [...failures, ...refusals].join('; ');
  if (failures.length > 0) return { complete: false, reason: 'pool-down', message };
  if (isStopped) return { complete: false, reason: 'stopped' };
  const isBudgetOver = !isKnown || ends.some((end) => 'isBudgetOver' in end && end.isBudgetOver);
  const deferred = describeDeferred(ends);
  const reason = isBudgetOver && deferred === undefined ? 'budget' : 'failed-entries';
  const left = deferred === undefined ? refusals : [...refusals, deferred];
  return left.length === 0
    ? { complete: false, reason }
    : { complete: false, reason, message: left.join('; ') };
}

function reasonOfEnd(end: PoolEnd): { reason: DrainReason; message?: string } | undefined {
  switch (end.kind) {
    case 'locked':
      return { reason: 'locked', message: describeHolder(end.holder) };
    case 'lock-lost':
      return { reason: 'lock-lost', ...(end.message === undefined ? {} : { message: end.message }) };
    case 'redis-lost':
      return { reason: 'pool-down', message: end.message ?? 'the connection to Redis was lost' };
    case 'behind':
      return { reason: 'pool-down', ...(end.message === undefined ? {} : { message: end.message }) };
    case 'unreachable':
      return { reason: 'pool-down', message: withNextStep(end.error.message, end.error.nextStep) };
    case 'done':
    case 'restart':
      return undefined;
  }
}

function describeHolder({ description, expiresInMs }: LockHolder): string {
  const holder = description ?? 'a BeeORM consumer, or another program that does not identify itself';
  const expiry =
    expiresInMs === undefined
      ? 'it never expires: its owner must delete it'
      : `it expires in ${Math.ceil(expiresInMs / 1000)} s unless refreshed`;
  return `the lock is held by ${holder}; ${expiry}`;
}

function describeMysqlFailures(ends: readonly PoolEnd[]): string[] {
  const failures = ends.flatMap((end) => ('mysqlFailures' in end ? [...end.mysqlFailures] : []));
  return failures.map(([pool, { code, message, nextStep }]: [string, PoolFailure]) => {
    const step = nextStep === undefined ? '' : ` ${nextStep}`;
    return `MySQL pool '${pool}' fails with ${code}: ${message}.${step}`;
  });
}

function describeStreamFailures(ends: readonly PoolEnd[]): string[] {
  return ends.flatMap((end) => ('streamFailures' in end ? [...end.streamFailures.values()] : []));
}

const MAX_DESCRIBED = 3;

/** Names entries and MySQL's codes. MySQL's messages may contain values of rows. */
function describeDeferred(ends: readonly PoolEnd[]): string | undefined {
  const items = ends.flatMap((end) =>
    'deferred' in end
      ? [...end.deferred].flatMap(([pool, list]) => list.map((item) => ({ pool, ...item })))
      : [],
  );
  if (items.length === 0) return undefined;
  const more = items.length > MAX_DESCRIBED ? `; and ${items.length - MAX_DESCRIBED} more` : '';
  return `${items.slice(0, MAX_DESCRIBED).map(describeOne).join('; ')}${more}. They and the entries that must follow them stay pending`;
}

function describeOne({ pool, entry, deferral }: DeferredItem & { readonly pool: string }): string {
  const wait = deferral.waitsFor ?? 'cannot run now';
  return `a statement of entry ${entry.id} of ${entry.stream} ${wait} in MySQL pool '${pool}' (error ${deferral.code})`;
}
