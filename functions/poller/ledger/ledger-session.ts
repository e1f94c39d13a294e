import { randomBytes } from 'node:crypto';
import { errorFields } from '../../../shared/logging.ts';
import type { BatchKey, BatchOutcome, BatchRequest, Deferral, LedgerRow } from '../../../shared/protocol.ts';
import {
  type Answer,
  ExecutorRequests,
  type ExecutorRequestsOptions,
  type PoolFailure,
} from './executor-requests.ts';

const PAGE_ROWS = 100;

export interface LedgerSessionOptions extends ExecutorRequestsOptions {
  /** Asked after the epoch was opened: a paused poller that wakes up may have fenced off its successor, and must stop. */
  readonly isLockHeld: () => Promise<boolean>;
  /** Called once if the pool cannot be used for the rest of this drain. */
  readonly onGivenUp: () => void;
  /** Called once if another epoch has begun: this drain is over. */
  readonly onFenced: () => void;
  /** Receives each stream's highest entry ID that can no longer be looked up. False: the drain must not continue. */
  readonly onOpened: (prunedIds: Readonly<Record<string, string>>) => boolean;
  /** Takes in the rows of earlier epochs, page by page, before anything is executed. */
  readonly onEarlierRows: (rows: readonly LedgerRow[]) => Promise<void>;
}

/**
 * - `done`: the batch committed with this outcome, now or in an earlier attempt. `deferred`: why it ended before the first
 *   item without a result.
 * - `void`: nothing of it was or will be applied. `error`: the server answers, but the batch failed repeatedly with this.
 *   Without `error`: its requests got no answer.
 * - `split`: nothing of it was or will be applied, because it cannot run as one transaction.
 * - `too-large`: it was not sent, because the request is too large for its transport to the executor.
 * - `pending`: unknown; the budget is over or the pool cannot be used.
 */
export type BatchResult =
  | {
      readonly kind: 'done';
      readonly key: BatchKey;
      readonly outcome: BatchOutcome;
      readonly deferred?: Deferral | undefined;
    }
  | { readonly kind: 'void'; readonly error?: Deferral }
  | { readonly kind: 'split'; readonly into: 'halves' | 'singles' }
  | { readonly kind: 'too-large' | 'pending' };

/**
 * One epoch on one MySQL pool.
 *
 * States, and what may follow each:
 *
 * - *closed* (no request was sent): `open()` leads to *opening*.
 * - *opening* (peek, open, lock check, rows of earlier epochs): leads to *open*, or to *over* if the pool cannot be used,
 *   the lock is lost, or the group is behind what the ledger has pruned.
 * - *open*: batches are numbered and sent, each until its outcome is known: *done*, *void*, *too-large*, or *pending* at
 *   the end of the budget. A batch whose answer was lost twice, that cannot run as one transaction, or that failed
 *   repeatedly although its claim was granted, is voided before its items may be sent under another number. That the
 *   number can be voided also proves that the server writes, so the failure was the batch's. Leads to *over* if the pool
 *   is misconfigured (`onGivenUp`) or another epoch has begun (`onFenced`).
 * - *over*: every batch stays pending. Final.
 *
 * A batch number identifies exactly one batch, so sending a batch again is harmless.
 */
export class LedgerSession {
  readonly pool: string;
  readonly #options: LedgerSessionOptions;
  readonly #token = randomBytes(16).toString('base64url');
  #nextNumber = 0;
  #maxAllowedPacket = 0;
  #views: ReadonlySet<string> = new Set();
  #opening: Promise<boolean> | undefined;
  readonly #requests: ExecutorRequests;
  #isOver = false;

  constructor(options: LedgerSessionOptions) {
    this.#options = options;
    this.pool = options.pool;
    const { executor, concurrencyLimit, pool, consumer, budget, logger, mayWait } = options;
    this.#requests = new ExecutorRequests({
      executor,
      concurrencyLimit,
      pool,
      consumer,
      budget,
      logger,
      mayWait,
      onMisconfigured: () => this.#giveUp(),
      isOver: () => this.#isOver,
    });
  }

  get token(): string {
    return this.#token;
  }

  /** True if nothing more can be asked or run: the pool cannot be used, or another epoch has begun. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What last prevented the use of the pool; undefined while it answers. */
  get failure(): PoolFailure | undefined {
    return this.#requests.failure;
  }

  get isAnswering(): boolean {
    return this.#requests.isAnswering;
  }

  /** The server's limit for one request, in bytes. Known once the epoch is open. */
  get maxAllowedPacket(): number {
    return this.#maxAllowedPacket;
  }

  /** The views of the pool's database, in lower case. Known once the epoch is open. */
  get views(): ReadonlySet<string> {
    return this.#views;
  }

  /** Opens the epoch on the first call. False: the pool cannot be used in this drain. */
  open(): Promise<boolean> {
    this.#opening ??= this.#open()
      .catch((error: unknown) => {
        // Redis did not say which entries are open, or who holds the lock.
        const { logger, pool } = this.#options;
        logger.warn('MySQL pool could not be opened', { pool, error: errorFields(error) });
        return false;
      })
      .then((isOpen) => {
        if (!isOpen) this.#giveUp();
        return isOpen;
      });
    return this.#opening;
  }

  async run(
    batch: Pick<BatchRequest, 'entries' | 'items' | 'exactOrder' | 'lockWaitSeconds'>,
  ): Promise<BatchResult> {
    if (this.#isOver) return { kind: 'pending' };
    const key = { token: this.#token, number: this.#nextNumber++ };
    const answer = await this.#requests.ask({ operation: 'batch', ...key, ...batch });
    const { status } = answer;
    if (status === 'done') return { kind: 'done', key, outcome: answer.outcome, deferred: answer.deferred };
    if (status === 'void' || status === 'too-large') return { kind: status };
    if (status === 'lost') return this.#void(key, { kind: 'void' }, 'answered neither of two requests');
    if (status === 'split')
      return this.#void(key, { kind: 'split', into: answer.into }, 'cannot run as one transaction');
    if (status === 'error' && answer.isAfterClaim === true) {
      const { code, message } = answer;
      const error = { code, message, waitsFor: 'fails with an error that usually passes' };
      return this.#void(key, { kind: 'void', error }, `failed repeatedly with ${code}`);
    }
    if (status === 'refused') this.#fenced();
    return { kind: 'pending' };
  }

  /** Best effort: what is not pruned now is pruned by a later drain. */
  async prune(request: {
    settled: BatchKey[];
    unsettled: BatchKey[];
    forget: BatchKey[];
    prunedIds: Record<string, string>;
  }): Promise<boolean> {
    const answer = await this.#requests.send({ operation: 'prune', token: this.#token, ...request });
    return answer.status === 'pruned';
  }

  async #open(): Promise<boolean> {
    while (!this.#isOver) {
      const seen = await this.#requests.ask({ operation: 'peek' });
      if (seen.status !== 'peeked') return false;
      const opened = await this.#requests.ask({
        operation: 'open',
        seenToken: seen.token,
        token: this.#token,
      });
      if (opened.status === 'opened') {
        this.#maxAllowedPacket = opened.maxAllowedPacket;
        this.#views = new Set(opened.views);
        if (!(await this.#stillHoldsLock()) || !this.#options.onOpened(opened.prunedIds)) return false;
        return this.#readEarlierRows();
      }
      // Another poller opened in between: one that is shutting down, or one that has taken our lock.
      if (opened.status !== 'refused' || !(await this.#stillHoldsLock())) return false;
    }
    return false;
  }

  async #stillHoldsLock(): Promise<boolean> {
    if (await this.#options.isLockHeld()) return true;
    this.#fenced();
    return false;
  }

  async #readEarlierRows(): Promise<boolean> {
    let after: BatchKey | null = null;
    for (;;) {
      const page: Answer = await this.#requests.ask({
        operation: 'page',
        token: this.#token,
        after,
        limit: PAGE_ROWS,
      });
      if (page.status !== 'page') return false;
      await this.#options.onEarlierRows(page.rows);
      const last: LedgerRow | undefined = page.rows.at(-1);
      if (!page.more || last === undefined) return true;
      after = { token: last.token, number: last.number };
    }
  }

  /**
   * Voids a number: then no late attempt can apply it, and its items may be sent again.
   *
   * @param voided the result once it is void
   */
  async #void(key: BatchKey, voided: BatchResult, reason: string): Promise<BatchResult> {
    for (let attempt = 0; this.#options.budget.mayExecute; attempt++) {
      const answer = await this.#requests.ask({ operation: 'void', ...key });
      if (answer.status === 'done') return { kind: 'done', key, outcome: answer.outcome };
      if (answer.status === 'void') {
        this.#options.logger.warn('batch voided', { pool: this.pool, batch: key.number, reason });
        return voided;
      }
      if (answer.status === 'refused') this.#fenced();
      if (answer.status !== 'lost') return { kind: 'pending' };
      await this.#options.budget.backOff(attempt);
    }
    return { kind: 'pending' };
  }

  #giveUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onGivenUp();
  }

  #fenced(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onFenced();
  }
}
