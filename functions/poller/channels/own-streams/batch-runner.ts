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

/** What becomes of each delivery of a batch. */
export interface BatchEnd {
  readonly finished: readonly { readonly delivery: Delivery; readonly outcome: EntryOutcome }[];
  readonly retries: readonly Retry[];
}

/** Deliveries to be tried again after a pause. */
export interface Retry {
  readonly batch: readonly Delivery[];
  readonly pauseMs: number;
  /** Whether others may share their invocation: not where it could be their fault that a whole batch failed. */
  readonly mayShareBatch: boolean;
}

type Finished = BatchEnd['finished'][number];

export interface BatchRunnerOptions {
  readonly binding: StreamBinding;
  readonly handler: EntryHandler;
  readonly settler: DeliverySettler;
  readonly context: Pick<ChannelContext, 'session' | 'fenced' | 'logger' | 'failpoint'>;
  /** Invocations of this binding in this process: each is in it as long as it lasts. */
  readonly inFlight: Set<Promise<unknown>>;
}

const REPORTED: HandlerFailure = { code: 'handler-failed', message: 'the handler reported it as failed' };

/** Invokes the handler with a batch, and settles its entries by the answer. */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  /** Times in a row that the handler was not available. */
  #unavailable = 0;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async run(batch: readonly Delivery[]): Promise<BatchEnd> {
    try {
      const expired = await this.#giveUpExpired(batch);
      const young = batch.filter((delivery) => !expired.some((other) => other.delivery === delivery));
      const pending = await this.#begin(young);
      const gone = young.filter((delivery) => !pending.includes(delivery));
      const end = pending.length === 0 ? NOTHING : await this.#invoke(pending);
      const others = gone.map((delivery) => ({ delivery, outcome: SETTLED }));
      return { finished: [...expired, ...others, ...end.finished], retries: end.retries };
    } catch (error) {
      // Redis can't be asked, or the lock is lost: whoever comes next finds them pending.
      this.#options.context.logger.warn('a batch stays pending', {
        ...this.#names,
        error: errorFields(error),
      });
      return { finished: batch.map((delivery) => ({ delivery, outcome: STAYS_PENDING })), retries: [] };
    }
  }

  #giveUpExpired(batch: readonly Delivery[]): Promise<Finished[]> {
    const { maximumAgeMs } = this.#options.binding;
    if (maximumAgeMs === undefined) return Promise.resolve([]);
    const expired = batch.filter(({ entry }) => Date.now() - timeOfStreamId(entry.id) > maximumAgeMs);
    return this.#giveUp(expired, {
      code: 'too-old',
      message: `the entry was written more than ${maximumAgeMs} ms ago`,
    });
  }

  /** Those that are still pending: another consumer may have acknowledged one meanwhile. */
  async #begin(batch: readonly Delivery[]): Promise<Delivery[]> {
    const pending = batch.length === 0 ? new Set() : await this.#noteAttempts(batch, 1);
    return batch.filter(({ entry }) => pending.has(entry.id));
  }

  #noteAttempts(batch: readonly Delivery[], begun: 0 | 1): Promise<ReadonlySet<string>> {
    const { session, fenced } = this.#options.context;
    const attempts = batch.map(({ entry, attempts: before, firstDeliveredAt }) => ({
      id: entry.id,
      attempts: before + begun,
      firstDeliveredAt,
    }));
    return beginAttempts(session.redis, fenced, attempts);
  }

  async #invoke(batch: readonly Delivery[]): Promise<BatchEnd> {
    const { handler, binding, inFlight, context } = this.#options;
    const Records = batch.map((delivery) => delivery.nextRecord());
    const invocation = invokeWithin(binding.timeoutMs, handler, { Records });
    inFlight.add(invocation);
    const answer = await invocation;
    inFlight.delete(invocation);
    await context.failpoint?.('executed');
    return this.#conclude(batch, answer);
  }

  #conclude(batch: readonly Delivery[], answer: HandlerAnswer): Promise<BatchEnd> {
    if (answer.kind === 'unavailable') return this.#deferUnavailable(batch, answer.failure);
    this.#unavailable = 0;
    if (answer.kind === 'failed') return this.#failedWhole(batch, answer.failure);
    const judgement = judgeReply(answer.reply, new Set(batch.map(({ entry }) => entry.id)));
    if (judgement.ok) return this.#settleBatch(batch, judgement.failed);
    return this.#failedWhole(batch, { code: 'invalid-reply', message: judgement.message });
  }

  async #settleBatch(batch: readonly Delivery[], failedIds: ReadonlySet<string>): Promise<BatchEnd> {
    const failed = batch.filter(({ entry }) => failedIds.has(entry.id));
    const succeeded = batch.filter(({ entry }) => !failedIds.has(entry.id));
    if (failed.length > 0) this.#warn('a handler reports entries as failed', failed, REPORTED);
    const [finished, ...ends] = await Promise.all([
      Promise.all(
        succeeded.map(async (delivery) => ({
          delivery,
          outcome: await this.#options.settler.acknowledge(delivery.entry),
        })),
      ),
      ...failed.map((delivery) => this.#failed([delivery], REPORTED, true)),
    ]);
    return {
      finished: [...finished, ...ends.flatMap((end) => end.finished)],
      retries: ends.flatMap(({ retries }) => retries),
    };
  }

  /** Nobody knows which of them is to blame. */
  async #failedWhole(batch: readonly Delivery[], failure: HandlerFailure): Promise<BatchEnd> {
    this.#warn('a handler failed', batch, failure);
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
  ): Promise<BatchEnd> {
    const { retries, backoffMs } = this.#options.binding;
    for (const delivery of batch) delivery.attempts++;
    const finished = await this.#giveUp(
      batch.filter(({ attempts }) => attempts > retries),
      failure,
    );
    const rest = batch.filter(({ attempts }) => attempts <= retries);
    if (rest.length === 0) return { finished, retries: [] };
    const pauseMs = retryPauseMs(backoffMs, Math.max(...rest.map(({ attempts }) => attempts)));
    return { finished, retries: [{ batch: rest, pauseMs, mayShareBatch }] };
  }

  /** It is not the entries' fault, so the attempt is taken back. */
  async #deferUnavailable(batch: readonly Delivery[], failure: HandlerFailure): Promise<BatchEnd> {
    this.#unavailable++;
    this.#warn('a handler is not available', batch, failure);
    await this.#noteAttempts(batch, 0);
    const pauseMs = retryPauseMs(Math.max(this.#options.binding.backoffMs, 100), this.#unavailable);
    return { finished: [], retries: [{ batch, pauseMs, mayShareBatch: false }] };
  }

  #giveUp(batch: readonly Delivery[], failure: HandlerFailure): Promise<Finished[]> {
    return Promise.all(
      batch.map(async (delivery) => ({
        delivery,
        outcome: await this.#options.settler.giveUp(delivery.entry, delivery.attempts, failure),
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

const NOTHING: BatchEnd = { finished: [], retries: [] };

/** Invokes a handler. One that has not answered in time counts as failed. Never rejects. */
async function invokeWithin(
  timeoutMs: number,
  handler: EntryHandler,
  event: EntryEvent,
): Promise<HandlerAnswer> {
  const timeout = new AbortController();
  const { promise: timedOut, resolve } = Promise.withResolvers<HandlerAnswer>();
  const timer = setTimeout(() => {
    const message = `the handler gave no answer for ${timeoutMs} ms`;
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

/** Exponential backoff with jitter, so that retries do not all come at once. */
function retryPauseMs(firstPauseMs: number, failedAttempts: number): number {
  const pauseMs = Math.min(MAX_PAUSE_MS, firstPauseMs * 2 ** (failedAttempts - 1));
  return pauseMs * (0.5 + Math.random() / 2);
}
