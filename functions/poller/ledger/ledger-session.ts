import { randomBytes } from 'node:crypto';
import type { BatchKey, BatchOutcome, BatchRequest, LedgerRow } from '../../../shared/protocol.ts';
import {
  type Answer,
  ExecutorRequests,
  type ExecutorRequestsOptions,
  type PoolFailure,
} from './executor-requests.ts';

const PAGE_ROWS = 100;

export interface LedgerSessionOptions extends ExecutorRequestsOptions {
  /** Asked after the epoch was opened: a paused poller that wakes may have fenced its successor out, and must not go on. */
  readonly isLockHeld: () => Promise<boolean>;
  /** Called once where the pool can't be used for the rest of this drain. */
  readonly onGivenUp: () => void;
  /** Called once where another epoch has begun: this drain is over. */
  readonly onFenced: () => void;
  /** Per stream, the highest entry id that can no longer be looked up. False: the drain must not go on. */
  readonly onOpened: (prunedIds: Readonly<Record<string, string>>) => boolean;
  /** Takes in the rows of earlier epochs, page by page, before anything is executed. */
  readonly onEarlierRows: (rows: readonly LedgerRow[]) => Promise<void>;
}

/** `void`: none of it was or will be applied. `left`: not known, the budget is over or the pool can't be used. */
export type BatchResult =
  | { readonly kind: 'done'; readonly key: BatchKey; readonly outcome: BatchOutcome }
  | { readonly kind: 'void' }
  | { readonly kind: 'pending' };

/**
 * One epoch on one MySQL pool: opens it, then numbers the batches and sends each until its outcome is known. A number
 * always stands for the same content, so that sending it again is harmless.
 */
export class LedgerSession {
  readonly pool: string;
  readonly #options: LedgerSessionOptions;
  readonly #token = randomBytes(16).toString('base64url');
  #nextNumber = 0;
  #maxAllowedPacket = 0;
  #opening: Promise<boolean> | undefined;
  readonly #requests: ExecutorRequests;
  #isOver = false;

  constructor(options: LedgerSessionOptions) {
    this.#options = options;
    this.pool = options.pool;
    this.#requests = new ExecutorRequests({
      ...options,
      onMisconfigured: () => this.#giveUp(),
      isOver: () => this.#isOver,
    });
  }

  get token(): string {
    return this.#token;
  }

  /** What last kept the pool from being used; undefined while it answers. */
  get failure(): PoolFailure | undefined {
    return this.#requests.failure;
  }

  /** Whether the pool works, as far as can be seen. */
  get isAnswering(): boolean {
    return this.#requests.isAnswering;
  }

  /** Of the server: no request may be longer than this many bytes. Known once open. */
  get maxAllowedPacket(): number {
    return this.#maxAllowedPacket;
  }

  /** Opens the epoch, the first time it is asked. False: the pool can't be used in this drain. */
  open(): Promise<boolean> {
    this.#opening ??= this.#open().then((isOpen) => {
      if (!isOpen) this.#giveUp();
      return isOpen;
    });
    return this.#opening;
  }

  async run(batch: Pick<BatchRequest, 'entries' | 'items' | 'exactOrder'>): Promise<BatchResult> {
    if (this.#isOver) return { kind: 'pending' };
    const key = { token: this.#token, number: this.#nextNumber++ };
    const answer = await this.#requests.ask({ operation: 'batch', ...key, ...batch });
    if (answer.status === 'done') return { kind: 'done', key, outcome: answer.outcome };
    if (answer.status === 'lost') return this.#bar(key);
    if (answer.status === 'void') return { kind: 'void' };
    if (answer.status === 'refused') this.#fenced();
    return { kind: 'pending' };
  }

  /** Best effort: what isn't pruned now is pruned in a later run. */
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
        if (!(await this.#stillHoldsLock()) || !this.#options.onOpened(opened.prunedIds)) return false;
        return this.#readEarlierRows();
      }
      // Somebody else opened in between: a poller that is on its way out, or one that has our lock.
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

  /** A number whose outcome stayed unknown: once it is barred nobody can apply it any more, and its content is free. */
  async #bar(key: BatchKey): Promise<BatchResult> {
    for (let attempt = 0; this.#options.budget.mayExecute; attempt++) {
      const answer = await this.#requests.ask({ operation: 'void', ...key });
      if (answer.status === 'done') return { kind: 'done', key, outcome: answer.outcome };
      if (answer.status === 'void') {
        this.#options.logger.warn('a batch got no answer twice and was voided', {
          pool: this.pool,
          batch: key.number,
        });
        return { kind: 'void' };
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
