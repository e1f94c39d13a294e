import { setTimeout as sleep } from 'node:timers/promises';
import { withMysql } from '../workloads/workload.ts';
import { findCounters, type Injection } from './injection.ts';

const ENTRIES = 30;
const ROWS = 8;
/** Longer than the consumer waits for a lock. */
const MIN_MS = 5500;
const MAX_MS = 7500;
/** Rows that are not locked must be up to date by then. A consumer that waits for the locked row never is. */
const PATIENCE_MS = 20_000;
const POLL_MS = 100;
/** Rows of the history, some of whose statements wait too. */
const HISTORY_TABLES = ['app.Plain', 'app.Member', 'app.Token', 'shop.Purchase'];
const HISTORY_ROWS = 6;

/** An application's session holds the locks of rows for longer than the lock wait timeout. */
export async function holdRowLocks(injection: Injection): Promise<void> {
  const { application, random, ordering } = injection;
  const counters = findCounters(injection);
  if (counters === undefined) return;
  const [row, table, historyRow] = [
    random.integer(1, ROWS),
    random.pick(HISTORY_TABLES),
    random.integer(1, HISTORY_ROWS),
  ];
  const holdMs = random.integer(MIN_MS, MAX_MS);
  await withMysql(application, async (mysql) => {
    await mysql.query('START TRANSACTION');
    await mysql.query(`SELECT * FROM ${table} WHERE ID = ? FOR UPDATE`, [historyRow]);
    let ended: Promise<unknown> = Promise.resolve();
    await counters.holdRow(row, async (areOthersApplied) => {
      await injection.add(ENTRIES);
      const heldAt = performance.now();
      ended = injection.waitForEnd(injection.start({}));
      const isDone = async () => ordering === 'pool' || (await areOthersApplied());
      while (!(await isDone()) && performance.now() - heldAt < PATIENCE_MS) await sleep(POLL_MS);
      if (!(await isDone())) counters.reportBlocked(row);
      await sleep(Math.max(0, heldAt + holdMs - performance.now()));
    });
    await mysql.query('ROLLBACK');
    await ended;
  });
  injection.count('held row locks');
}
