/**
 * Moments at which a poller that dies leaves something for its successor. Tests kill or pause it there.
 *
 * - `locked`: it holds the lock and has read nothing yet.
 * - `read`: it has read a page of new entries.
 * - `executed`: an entry's statements, or a handler's batch, are done.
 * - `logged`: the entry's log rows are written too.
 * - `cross-pool`: its effects in other Redis pools are applied too.
 * - `settled`: its settlement was sent and answered.
 * - `indexed`: a page of documents of a search index is written.
 * - `trimmed`: a step of a garbage collection is done.
 * - `pruned`: ledger rows were pruned.
 * - `releasing`: all work is done and the lock is about to be released.
 */
export type FailpointName =
  | 'locked'
  | 'read'
  | 'executed'
  | 'logged'
  | 'cross-pool'
  | 'settled'
  | 'indexed'
  | 'trimmed'
  | 'pruned'
  | 'releasing';

/** Called with the name of the failpoint that was reached; the poller waits for it. */
export type Failpoint = (name: FailpointName) => void | Promise<void>;
