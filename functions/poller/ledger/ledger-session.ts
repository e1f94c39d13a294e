import { randomBytes } from 'node:crypto';
import type { Logger } from '../../../shared/logging.ts';
import {
  type BatchKey,
  type BatchOutcome,
  type BatchRequest,
  type ErrorReply,
  type ExecutorReply,
  type ExecutorRequest,
  type LedgerRow,
  PROTOCOL_VERSION,
  type SqlExecutor,
} from '../../../shared/protocol.ts';
import type { DrainBudget } from '../drain/drain-budget.ts';
import type { Slots } from '../lanes/slots.ts';

const PAGE_ROWS = 100;

/** A pool that was not reached once for this long is given up until the next drain. */
const UNREACHED_MS = 5000;

/** A pool that has not answered for this long may be one that hangs. */
const SILENT_MS = 1000;

/** Why a MySQL pool can't be used in this drain. */
export interface PoolFailure {
  readonly code: string;
  readonly message: string;
  readonly nextStep?: string | undefined;
}

export interface LedgerSessionOptions {
  readonly executor: SqlExecutor;
  readonly slots: Slots;
  readonly pool: string;
  readonly consumer: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
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
  | { readonly kind: 'left' };

type Operation<Request> = Request extends ExecutorRequest
  ? Omit<Request, 'version' | 'pool' | 'consumer' | 'deadline'>
  : never;

/** A reply, or `lost`: the executor may or may not have done what it was asked. */
type Answer = ExecutorReply | { readonly status: 'lost' };

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
  #failure: PoolFailure | undefined;
  #isOver = false;
  #wasReached = false;
  #answeredAt = 0;
  readonly #startedAt = Date.now();

  constructor(options: LedgerSessionOptions) {
    this.#options = options;
    this.pool = options.pool;
  }

  get token(): string {
    return this.#token;
  }

  /** What last kept the pool from being used; undefined while it answers. */
  get failure(): PoolFailure | undefined {
    return this.#failure;
  }

  /** Whether the pool works, as far as can be seen. */
  get isAnswering(): boolean {
    return this.#failure === undefined && Date.now() - this.#answeredAt < SILENT_MS;
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
    if (this.#isOver) return { kind: 'left' };
    const key = { token: this.#token, number: this.#nextNumber++ };
    const answer = await this.#ask({ operation: 'batch', ...key, ...batch });
    if (answer.status === 'done') return { kind: 'done', key, outcome: answer.outcome };
    if (answer.status === 'lost') return this.#bar(key);
    if (answer.status === 'void') return { kind: 'void' };
    if (answer.status === 'refused') this.#fenced();
    return { kind: 'left' };
  }

  /** Best effort: what isn't pruned now is pruned in a later run. */
  async prune(request: {
    settled: BatchKey[];
    unsettled: BatchKey[];
    forget: BatchKey[];
    prunedIds: Record<string, string>;
  }): Promise<boolean> {
    const answer = await this.#send({ operation: 'prune', token: this.#token, ...request });
    return answer.status === 'pruned';
  }

  async #open(): Promise<boolean> {
    while (!this.#isOver) {
      const seen = await this.#ask({ operation: 'peek' });
      if (seen.status !== 'peeked') return false;
      const opened = await this.#ask({ operation: 'open', seenToken: seen.token, token: this.#token });
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
      const page: Answer = await this.#ask({
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
      const answer = await this.#ask({ operation: 'void', ...key });
      if (answer.status === 'done') return { kind: 'done', key, outcome: answer.outcome };
      if (answer.status === 'void') {
        this.#options.logger.warn('a batch got no answer twice and was voided', {
          pool: this.pool,
          batch: key.number,
        });
        return { kind: 'void' };
      }
      if (answer.status === 'refused') this.#fenced();
      if (answer.status !== 'lost') return { kind: 'left' };
      await this.#options.budget.backOff(attempt);
    }
    return { kind: 'left' };
  }

  /**
   * Asks until there is an answer that is not transient, or the budget is over (then: the last error). `lost` once the
   * same request has been lost twice.
   */
  async #ask(operation: Operation<ExecutorRequest>): Promise<Answer> {
    let losses = 0;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(operation);
      if (answer.status === 'lost') {
        losses++;
        if (losses === 2) return answer;
      } else if (answer.status !== 'error') {
        this.#failure = undefined;
        this.#wasReached = true;
        this.#answeredAt = Date.now();
        return answer;
      } else {
        this.#failed(answer);
        if (answer.kind === 'configuration') return answer;
      }
      if (!this.#options.budget.mayExecute || this.#isOver || this.#isUnreachable) return leftError;
      await this.#options.budget.backOff(attempt);
    }
  }

  get #isUnreachable(): boolean {
    return !this.#wasReached && Date.now() - this.#startedAt > UNREACHED_MS;
  }

  async #send(operation: Operation<ExecutorRequest>): Promise<Answer> {
    const { executor, slots, pool, consumer, budget } = this.#options;
    const request = {
      ...operation,
      version: PROTOCOL_VERSION,
      pool,
      consumer,
      deadline: budget.executeUntil,
    } satisfies ExecutorRequest;
    try {
      const reply = await slots.use(() => executor.execute(request));
      return reply.status === 'error' && reply.kind === 'unknown' ? { status: 'lost' } : reply;
    } catch {
      return { status: 'lost' };
    }
  }

  #failed(error: ErrorReply): void {
    // The end of the budget is no failure of a pool that has answered, and hides none that is known already.
    if (error.code === 'deadline' && (this.#failure !== undefined || this.#wasReached)) return;
    const isNew = this.#failure?.code !== error.code;
    this.#failure = { code: error.code, message: error.message, nextStep: error.nextStep };
    if (error.kind === 'configuration') this.#giveUp();
    // MySQL's message may hold row values: the code is enough for a log.
    if (isNew)
      this.#options.logger.warn('MySQL pool fails', { pool: this.pool, kind: error.kind, code: error.code });
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

const leftError: ErrorReply = {
  status: 'error',
  kind: 'transient',
  code: 'budget',
  message: 'the budget is over',
};
