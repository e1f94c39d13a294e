import { errorFields } from '../../../../shared/error-fields.ts';
import { timeOfStreamId } from '../../../../shared/stream-id.ts';
import { type EntryOutcome, SETTLED, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { ChannelContext } from '../channel.ts';
import { beginAttempts } from './begin-attempts.ts';
import type { StreamBinding } from './binding.ts';
import type { Delivery } from './delivery.ts';
import type { DeliverySettler } from './delivery-settler.ts';
import type { EntryEvent, EntryHandler, HandlerAnswer, HandlerFailure } from './entry-handler.ts';
import { judgeReply } from './handler-reply.ts';

/** The result of each delivery of a batch: settled or left pending, or to be retried. */
export interface BatchResult {
  readonly finished: readonly { readonly delivery: Delivery; readonly outcome: EntryOutcome }[];
  readonly retries: readonly Retry[];
}

/** Deliveries to retry after a pause. */
export interface Retry {
  readonly batch: readonly Delivery[];
  readonly pauseMs: number;
  /** False if the deliveries may have caused a whole batch to fail: other deliveries must not share their invocation. */
  readonly mayShareBatch: boolean;
}

type Finished = BatchResult['finished'][number];

export interface BatchRunnerOptions {
  readonly binding: StreamBinding;
  readonly handler: EntryHandler;
  readonly settler: DeliverySettler;
  readonly context: Pick<ChannelContext, 'session' | 'fenced' | 'logger' | 'failpoint'>;
  /** The running invocations of this binding in this process. */
  readonly inFlight: Set<Promise<unknown>>;
}

const REPORTED: HandlerFailure = {
  code: 'handler-failed',
  message: 'the handler reported the entry as failed',
};

/** Invokes the handler with a batch, and settles the entries according to its answer. */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  /** Consecutive invocations for which the handler was unavailable. */
  #unavailableCount = 0;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async run(batch: readonly Delivery[]): Promise<BatchResult> {
    try {
      const expired = await this.#rejectExpired(batch);
      const current = batch.filter((delivery) => !expired.some((other) => other.delivery === delivery));
      const pending = await this.#begin(current);
      const acknowledged = current.filter((delivery) => !pending.includes(delivery));
      const result = pending.length === 0 ? NOTHING : await this.#invoke(pending);
      const others = acknowledged.map((delivery) => ({ delivery, outcome: SETTLED }));
      return { finished: [...expired, ...others, ...result.finished], retries: result.retries };
    } catch (error) {
      // Redis does not answer, or the lock is lost. The entries are still pending, so the next drain finds them.
      this.#options.context.logger.warn('batch left pending', {
        ...this.#names,
        error: errorFields(error),
      });
      return { finished: batch.map((delivery) => ({ delivery, outcome: STAYS_PENDING })), retries: [] };
    }
  }

  #rejectExpired(batch: readonly Delivery[]): Promise<Finished[]> {
    const { maximumAgeMs } = this.#options.binding;
    if (maximumAgeMs === undefined) return Promise.resolve([]);
    const expired = batch.filter(({ entry }) => Date.now() - timeOfStreamId(entry.id) > maximumAgeMs);
    return this.#reject(expired, {
      code: 'too-old',
      message: `the entry was written more than ${maximumAgeMs} ms ago`,
    });
  }

  /** Returns the deliveries that are still pending: another consumer may have acknowledged some in the meantime. */
  async #begin(batch: readonly Delivery[]): Promise<Delivery[]> {
    const pending = batch.length === 0 ? new Set() : await this.#recordAttempts(batch, 1);
    return batch.filter(({ entry }) => pending.has(entry.id));
  }

  #recordAttempts(batch: readonly Delivery[], begun: 0 | 1): Promise<ReadonlySet<string>> {
    const { session, fenced } = this.#options.context;
    const attempts = batch.map(({ entry, attempts: before }) => ({ id: entry.id, attempts: before + begun }));
    return beginAttempts(session.redis, fenced, attempts);
  }

  async #invoke(batch: readonly Delivery[]): Promise<BatchResult> {
    const { handler, binding, inFlight, context } = this.#options;
    const Records = batch.map((delivery) => delivery.nextRecord());
    const invocation = invokeWithin(binding.timeoutMs, handler, { Records });
    inFlight.add(invocation);
    const answer = await invocation;
    inFlight.delete(invocation);
    await context.failpoint?.('executed');
    return this.#conclude(batch, answer);
  }

  #conclude(batch: readonly Delivery[], answer: HandlerAnswer): Promise<BatchResult> {
    if (answer.kind === 'unavailable') return this.#deferUnavailable(batch, answer.failure);
    this.#unavailableCount = 0;
    if (answer.kind === 'failed') return this.#failedWhole(batch, answer.failure);
    const judgement = judgeReply(answer.reply, new Set(batch.map(({ entry }) => entry.id)));
    if (judgement.ok) return this.#settleBatch(batch, judgement.failed);
    return this.#failedWhole(batch, { code: 'invalid-reply', message: judgement.message });
  }

  async #settleBatch(batch: readonly Delivery[], failedIds: ReadonlySet<string>): Promise<BatchResult> {
    const failed = batch.filter(({ entry }) => failedIds.has(entry.id));
    const succeeded = batch.filter(({ entry }) => !failedIds.has(entry.id));
    if (failed.length > 0) this.#warn('handler reported entries as failed', failed, REPORTED);
    const [finished, ...results] = await Promise.all([
      Promise.all(
        succeeded.map(async (delivery) => ({
          delivery,
          outcome: await this.#options.settler.acknowledge(delivery.entry),
        })),
      ),
      ...failed.map((delivery) => this.#failed([delivery], REPORTED, true)),
    ]);
    return {
      finished: [...finished, ...results.flatMap((result) => result.finished)],
      retries: results.flatMap(({ retries }) => retries),
    };
  }

  /** Handles a failed batch without knowing which entry caused the failure: bisecting isolates that entry. */
  async #failedWhole(batch: readonly Delivery[], failure: HandlerFailure): Promise<BatchResult> {
    this.#warn('handler failed', batch, failure);
    if (batch.length === 1 || !this.#options.binding.bisect) return this.#failed(batch, failure, false);
    const middle = Math.ceil(batch.length / 2);
    const halves = [batch.slice(0, middle), batch.slice(middle)];
    return {
      finished: [],
      retries: halves.map((half) => ({ batch: half, pauseMs: 0, mayShareBatch: false })),
    };
  }

  async #failed(
    batch: readonly Delivery[],
    failure: HandlerFailure,
    mayShareBatch: boolean,
  ): Promise<BatchResult> {
    const { retries, backoffMs } = this.#options.binding;
    for (const delivery of batch) delivery.attempts++;
    const finished = await this.#reject(
      batch.filter(({ attempts }) => attempts > retries),
      failure,
    );
    const remaining = batch.filter(({ attempts }) => attempts <= retries);
    if (remaining.length === 0) return { finished, retries: [] };
    const pauseMs = retryPauseMs(backoffMs, Math.max(...remaining.map(({ attempts }) => attempts)));
    return { finished, retries: [{ batch: remaining, pauseMs, mayShareBatch }] };
  }

  /** Reverts the attempt, because the entries did not cause the failure. */
  async #deferUnavailable(batch: readonly Delivery[], failure: HandlerFailure): Promise<BatchResult> {
    this.#unavailableCount++;
    this.#warn('handler unavailable, retrying', batch, failure);
    await this.#recordAttempts(batch, 0);
    const pauseMs = retryPauseMs(Math.max(this.#options.binding.backoffMs, 100), this.#unavailableCount);
    return { finished: [], retries: [{ batch, pauseMs, mayShareBatch: false }] };
  }

  #reject(batch: readonly Delivery[], failure: HandlerFailure): Promise<Finished[]> {
    return Promise.all(
      batch.map(async (delivery) => ({
        delivery,
        outcome: await this.#options.settler.reject(delivery.entry, delivery.attempts, failure),
      })),
    );
  }

  #warn(message: string, batch: readonly Delivery[], { code }: HandlerFailure): void {
    this.#options.context.logger.warn(message, { ...this.#names, entries: batch.length, code });
  }

  get #names(): { readonly stream: string; readonly group: string } {
    const { stream, group } = this.#options.binding;
    return { stream, group };
  }
}

const NOTHING: BatchResult = { finished: [], retries: [] };

/** Invokes a handler. The invocation fails if the handler does not answer in time. Never rejects. */
async function invokeWithin(
  timeoutMs: number,
  handler: EntryHandler,
  event: EntryEvent,
): Promise<HandlerAnswer> {
  const timeout = new AbortController();
  const { promise: timedOut, resolve } = Promise.withResolvers<HandlerAnswer>();
  const timer = setTimeout(() => {
    const message = `the handler did not answer within ${timeoutMs} ms`;
    resolve({ kind: 'failed', failure: { code: 'handler-timeout', message } });
    timeout.abort();
  }, timeoutMs);
  try {
    return await Promise.race([handler.invoke(event, timeout.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

const MAX_PAUSE_MS = 60_000;

/** Exponential backoff. The jitter keeps retries from all starting at once. */
function retryPauseMs(firstPauseMs: number, failedAttempts: number): number {
  const pauseMs = Math.min(MAX_PAUSE_MS, firstPauseMs * 2 ** (failedAttempts - 1));
  return pauseMs * (0.5 + Math.random() / 2);
}
