import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../shared/logging.ts';
import type { DrainBudget } from '../budget.ts';
import type { Failpoint } from '../failpoints.ts';
import type { MysqlPools } from '../lanes/mysql-pools.ts';
import type { RedisSession } from '../redis/session.ts';
import type { RemainingEntries } from './remaining-entries.ts';
import type { StreamDrain } from './stream-drain.ts';
import type { StreamPositions } from './stream-positions.ts';

/** Minimum time for counting what remains, and for releasing the lock, even if the budget is over. */
const MIN_COUNT_MS = 400;
const RELEASE_MS = 300;

export interface ShutdownOptions {
  readonly session: RedisSession;
  readonly streams: Iterable<StreamDrain>;
  readonly positions: StreamPositions;
  readonly remaining: RemainingEntries;
  readonly mysql: MysqlPools;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  readonly failpoint: Failpoint | undefined;
  /** `behind`: a group was set back behind what the ledger has pruned. */
  readonly end: 'done' | 'behind' | 'other';
}

/**
 * Ends a drain in order: the attempts of entries that stay pending are forgotten, ledger rows are pruned, the lock is released.
 * Resolves to true if the counts of remaining entries are those of the drain's end.
 */
export async function shutDown(options: ShutdownOptions): Promise<boolean> {
  const { session, positions, mysql, budget, failpoint, end } = options;
  const { redis, lock } = session;
  if (redis.status !== 'ready') return false;
  if (end === 'behind') await positions.giveBack().catch(() => undefined);
  // Counting and releasing have their own limits. Without the first, an outage would turn the entries it delayed into
  // possible poison entries; without the second, the lock would block the next drain.
  const countLimit = sleep(MIN_COUNT_MS, false, { ref: false })
    .then(() => untilOver(budget))
    .then(() => false);
  const isCounted = await Promise.race([countRemaining(options).catch(() => false), countLimit]);
  await Promise.race([mysql.prune().catch(() => undefined), untilOver(budget)]);
  await failpoint?.('releasing');
  await Promise.race([lock.release().catch(() => undefined), sleep(RELEASE_MS)]);
  return isCounted;
}

async function countRemaining({ streams, remaining, logger, end }: ShutdownOptions): Promise<boolean> {
  if (end === 'done') for (const stream of streams) await stream.attempts.shutDown();
  await remaining.read();
  await remaining.warnOfOtherConsumers(logger).catch(() => undefined);
  return true;
}

/** Resolves at the end of the budget, which may be brought forward. Anything in flight then stays pending. */
export function untilOver(budget: DrainBudget): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      const { remainingMs } = budget;
      if (remainingMs === 0) resolve();
      else setTimeout(check, Math.min(remainingMs, 250)).unref();
    };
    check();
  });
}
