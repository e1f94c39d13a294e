import type { StreamEntry } from '../../redis/stream-entry.ts';
import { isForAnotherGroup } from '../../settlement/dead-letter-entry.ts';
import { type Done, type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import { rejectDeleted } from '../../settlement/poison.ts';
import type { ChannelContext, EntryProcessor, WindowLimits } from '../channel.ts';
import { BatchRunner, type Retry } from './batch-runner.ts';
import type { StreamBinding } from './binding.ts';
import type { Delivery } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { DeliverySettler } from './delivery-settler.ts';
import type { EntryHandler, HandlerFailure } from './entry-handler.ts';
import { sourceName } from './entry-record.ts';
import { readDelivery } from './read-delivery.ts';

/** The window holds twice the entries of the concurrent invocations, within bounds because each entry takes memory. */
const MIN_WINDOW = 1000;
const MAX_WINDOW = 20_000;
const WINDOW_BYTES = 32 << 20;
const PAGE = 500;

export interface OwnStreamOptions {
  readonly binding: StreamBinding;
  readonly handler: EntryHandler;
  readonly context: ChannelContext;
  /** Invocations of this binding in this process, including those of earlier drains. */
  readonly inFlight: Set<Promise<unknown>>;
}

/**
 * Collects a stream's entries into batches and invokes the handler with up to `concurrency` batches at a time. Entries
 * that are still waiting when reading ends stay pending; invocations in flight are awaited as long as the drain lasts.
 */
export class OwnStreamProcessor implements EntryProcessor {
  readonly countsAttempts = true;
  readonly readWindow: WindowLimits;
  readonly #binding: StreamBinding;
  readonly #context: ChannelContext;
  readonly #source: string;
  readonly #queue: DeliveryQueue;
  readonly #settler: DeliverySettler;
  readonly #runner: BatchRunner;
  /** Resolves when the invocations of earlier drains have ended: they may still be handling the same entries. */
  readonly #earlierInvocations: Promise<unknown>;
  readonly #pauses = new Map<NodeJS.Timeout, readonly Delivery[]>();
  #running = 0;
  #isStopped = false;
  #isDispatchScheduled = false;
  #wakeTimer: NodeJS.Timeout | undefined;

  constructor({ binding, handler, context, inFlight }: OwnStreamOptions) {
    const { stream, group, batchSize, concurrency } = binding;
    this.#binding = binding;
    this.#context = context;
    this.#source = sourceName(context.pool.code, stream, group);
    this.#queue = new DeliveryQueue(binding);
    this.#settler = new DeliverySettler(binding, context);
    this.#runner = new BatchRunner({ binding, handler, settler: this.#settler, context, inFlight });
    this.#earlierInvocations = Promise.allSettled([...inFlight]);
    this.readWindow = {
      entries: Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, 2 * batchSize * concurrency)),
      bytes: WINDOW_BYTES,
      page: PAGE,
    };
    context.budget.reading.addEventListener('abort', () => this.stop(), { once: true });
  }

  process(entry: StreamEntry, done: Done): void {
    const failure = this.#failureOf(entry);
    if (this.#isStopped) done(STAYS_PENDING);
    else if (isForAnotherGroup(entry, this.#binding.group)) done(this.#settler.acknowledge(entry));
    else if (failure !== undefined) done(this.#settler.reject(entry, entry.earlierAttempts, failure));
    else {
      const isQueued = this.#queue.add(readDelivery(entry, this.#binding, this.#source, done));
      if (isQueued) this.#dispatchSoon();
      else done(STAYS_PENDING);
    }
  }

  /** No further entries will arrive to fill a batch, so incomplete batches are invoked now. */
  readingEnded(): void {
    this.#queue.flush();
    this.#dispatch();
  }

  /** Starts the batches that can begin now, and leaves all other entries pending. */
  stop(): void {
    if (this.#isStopped) return;
    if (this.#context.budget.mayExecute) this.readingEnded();
    this.#isStopped = true;
    clearTimeout(this.#wakeTimer);
    for (const [timer, batch] of this.#pauses) {
      clearTimeout(timer);
      this.#leavePending(batch);
    }
    this.#pauses.clear();
    this.#leavePending(this.#queue.removeAll());
  }

  /** Returns why an entry is rejected without another attempt. */
  #failureOf(entry: StreamEntry): HandlerFailure | undefined {
    const deleted = rejectDeleted(entry);
    if (deleted !== undefined) return deleted.rejection;
    const attempts = entry.earlierAttempts;
    if (attempts <= this.#binding.retries) return undefined;
    return {
      code: 'no-answer',
      message: `${attempts} attempts began, and the last one ended without an answer`,
    };
  }

  /** Defers dispatching, because entries that arrive in the same turn can share a batch. */
  #dispatchSoon(): void {
    if (this.#isDispatchScheduled) return;
    this.#isDispatchScheduled = true;
    setImmediate(() => {
      this.#isDispatchScheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#wakeTimer);
    while (!this.#isStopped && this.#running < this.#binding.concurrency) {
      const batch = this.#queue.take();
      if (batch === undefined) break;
      void this.#run(batch);
    }
    const dueInMs = this.#queue.dueInMs();
    const mayRun = !this.#isStopped && this.#running < this.#binding.concurrency;
    if (dueInMs !== undefined && mayRun) this.#wakeTimer = setTimeout(() => this.#dispatch(), dueInMs);
  }

  async #run(batch: readonly Delivery[]): Promise<void> {
    this.#running++;
    await this.#earlierInvocations;
    const { finished, retries } = await this.#runner.run(batch);
    this.#running--;
    for (const { delivery, outcome } of finished) {
      if (outcome.isSettled) this.#finish(delivery, outcome);
      else this.#leavePending([delivery]);
    }
    for (const retry of retries) this.#schedule(retry);
    this.#dispatch();
  }

  #finish(delivery: Delivery, outcome: EntryOutcome): void {
    delivery.finish(outcome);
    this.#queue.release(delivery);
  }

  #schedule({ batch, pauseMs, mayShareBatch }: Retry): void {
    const isTooLate = Date.now() + pauseMs >= this.#context.budget.executeUntil;
    if (this.#isStopped || isTooLate) {
      this.#leavePending(batch);
      return;
    }
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      if (mayShareBatch) for (const delivery of batch) this.#queue.requeue(delivery);
      else this.#queue.requeueAlone([...batch]);
      this.#dispatch();
    }, pauseMs);
    this.#pauses.set(timer, batch);
  }

  /** Leaves deliveries pending, together with the queued deliveries that must not overtake them. */
  #leavePending(batch: readonly Delivery[]): void {
    for (const delivery of batch) {
      delivery.finish(STAYS_PENDING);
      for (const next of this.#queue.removePending(delivery)) next.finish(STAYS_PENDING);
    }
  }
}
