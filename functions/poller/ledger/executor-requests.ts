import type { Logger } from '../../../shared/logging.ts';
import {
  type ErrorReply,
  type ExecutorReply,
  type ExecutorRequest,
  PROTOCOL_VERSION,
  type SqlExecutor,
} from '../../../shared/protocol.ts';
import type { DrainBudget } from '../budget.ts';
import type { ConcurrencyLimit } from './concurrency-limit.ts';

/** A pool that was never reached within this time is given up until the next drain. */
const UNREACHED_MS = 5000;

/** A budget that ends sooner says nothing about the pool. */
const MIN_UNANSWERED_MS = 2000;

/** A pool that has not answered for this long may be hanging. */
const SILENT_MS = 1000;

/** Transient errors of one batch after which the batch itself may be the cause, if the server could have run it. */
const MAX_ERRORS_AFTER_CLAIM = 3;

/** Why a MySQL pool cannot be used in this drain. */
export interface PoolFailure {
  readonly code: string;
  readonly message: string;
  readonly nextStep?: string | undefined;
}

type Operation<Request> = Request extends ExecutorRequest
  ? Omit<Request, 'version' | 'pool' | 'consumer' | 'deadline'>
  : never;

/** A reply, or `lost`: the executor may or may not have done what was requested. */
export type Answer = ExecutorReply | { readonly status: 'lost' };

export interface ExecutorRequestsOptions {
  readonly executor: SqlExecutor;
  readonly concurrencyLimit: ConcurrencyLimit;
  readonly pool: string;
  readonly consumer: string;
  readonly budget: DrainBudget;
  readonly logger: Logger;
  /** True if work may wait for a pool that cannot be used, without a limit, as in a drain that waits for new entries. */
  readonly mayWait: () => boolean;
}

interface Hooks {
  /** Called if the pool cannot be used until its configuration is changed. */
  readonly onMisconfigured: () => void;
  readonly isOver: () => boolean;
}

/** Sends operations on one MySQL pool to the executor, and knows whether the pool works. */
export class ExecutorRequests {
  readonly #options: ExecutorRequestsOptions & Hooks;
  readonly #startedAt = Date.now();
  #failure: PoolFailure | undefined;
  #wasReached = false;
  #answeredAt = 0;

  constructor(options: ExecutorRequestsOptions & Hooks) {
    this.#options = options;
  }

  /** Why the pool last could not be used; undefined while it answers. */
  get failure(): PoolFailure | undefined {
    return this.#failure;
  }

  get isAnswering(): boolean {
    return this.#failure === undefined && Date.now() - this.#answeredAt < SILENT_MS;
  }

  /**
   * Asks until the answer is not a transient error, or until the budget is over (which is itself a transient error).
   * Answers `lost` once the same request was lost twice, and with the error once a batch has failed repeatedly although
   * its claim was granted.
   */
  async ask(operation: Operation<ExecutorRequest>): Promise<Answer> {
    let losses = 0;
    let errorsAfterClaim = 0;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.send(operation);
      if (answer.status === 'lost') {
        losses++;
        if (losses === 2) return answer;
      } else if (answer.status !== 'error') {
        this.#answered();
        return answer;
      } else if (answer.isAfterClaim === true) {
        // The pool works: it has granted the claim. What failed is the batch.
        this.#answered();
        errorsAfterClaim++;
        if (errorsAfterClaim === MAX_ERRORS_AFTER_CLAIM) return answer;
      } else {
        this.#failed(answer);
        if (answer.kind === 'configuration' && !this.#options.mayWait()) {
          this.#options.onMisconfigured();
          return answer;
        }
      }
      const { budget, isOver } = this.#options;
      if (!budget.mayExecute || isOver() || this.#isUnreachable) return BUDGET_OVER;
      await budget.backOff(attempt);
    }
  }

  /** Asks once. */
  async send(operation: Operation<ExecutorRequest>): Promise<Answer> {
    const { executor, concurrencyLimit, pool, consumer, budget } = this.#options;
    const request = {
      ...operation,
      version: PROTOCOL_VERSION,
      pool,
      consumer,
      deadline: budget.executeUntil,
    } satisfies ExecutorRequest;
    try {
      const reply = await concurrencyLimit.run(pool, () => executor.execute(request));
      return reply.status === 'error' && reply.kind === 'unknown' ? { status: 'lost' } : reply;
    } catch {
      return { status: 'lost' };
    }
  }

  get #isUnreachable(): boolean {
    return !this.#wasReached && !this.#options.mayWait() && Date.now() - this.#startedAt > UNREACHED_MS;
  }

  #answered(): void {
    const { logger, pool } = this.#options;
    if (this.#failure !== undefined) logger.info('MySQL pool answering again', { pool });
    this.#failure = undefined;
    this.#wasReached = true;
    this.#answeredAt = Date.now();
  }

  #failed(error: ErrorReply): void {
    // The end of the budget is not a failure of a pool that has answered, and must not hide a known failure.
    // Neither is a budget that was too short to open a healthy pool.
    const isTooShort = this.#wasReached || Date.now() - this.#startedAt < MIN_UNANSWERED_MS;
    if (error.code === 'deadline' && (this.#failure !== undefined || isTooShort)) return;
    const { logger, pool } = this.#options;
    const isNew = this.#failure?.code !== error.code;
    this.#failure = { code: error.code, message: error.message, nextStep: error.nextStep };
    // MySQL's message may contain row values: the log gets the code only.
    const { kind, code, nextStep } = error;
    if (isNew) logger.warn('MySQL pool failing', { pool, kind, code, nextStep });
  }
}

const BUDGET_OVER: ErrorReply = {
  status: 'error',
  kind: 'transient',
  code: 'budget',
  message: 'the budget is over',
};
