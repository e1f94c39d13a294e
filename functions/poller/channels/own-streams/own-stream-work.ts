import { isForAnotherGroup } from '../../dead-letters/dead-letter-fields.ts';
import type { StreamEntry } from '../../redis/stream-reads.ts';
import { type Done, type EntryOutcome, STAYS_PENDING } from '../../settlement/entry-outcome.ts';
import type { ChannelContext, ChannelWork } from '../channel.ts';
import { BatchRunner, type Retry } from './batch-runner.ts';
import { attemptsOf } from './begin-attempts.ts';
import type { StreamBinding } from './binding.ts';
import type { Delivery } from './delivery.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { DeliverySettler } from './delivery-settler.ts';
import type { EntryHandler, HandlerFailure } from './entry-handler.ts';
import { sourceName } from './entry-record.ts';
import { readDelivery } from './read-delivery.ts';

/** Enough for the invocations at once and as many after them, within bounds: entries cost memory by themselves. */
const MIN_WINDOW = 1000;
const MAX_WINDOW = 20_000;
const HELD_BYTES = 32 << 20;
const PAGE = 500;

export interface OwnStreamOptions {
  readonly binding: StreamBinding;
  readonly handler: EntryHandler;
  readonly context: ChannelContext;
  /** Invocations of this binding in this process, those of earlier drains included. */
  readonly inFlight: Set<Promise<unknown>>;
}

/**
 * Collects a stream's entries into batches and has them handled, `concurrency` batches at a time. What waits when the
 * reading ends stays pending; an invocation in flight is awaited as long as the drain lasts.
 */
export class OwnStreamWork implements ChannelWork {
  readonly countsAttempts = true;
  readonly held: NonNullable<ChannelWork['held']>;
  readonly #binding: StreamBinding;
  readonly #context: ChannelContext;
  readonly #source: string;
  readonly #queue: DeliveryQueue;
  readonly #settler: DeliverySettler;
  readonly #runner: BatchRunner;
  /** A handler that outlived an earlier drain may still be at work on the same entries. */
  readonly #earlierAreDone: Promise<unknown>;
  readonly #pauses = new Map<NodeJS.Timeout, readonly Delivery[]>();
  #running = 0;
  #isOver = false;
  #isSoon = false;
  #wake: NodeJS.Timeout | undefined;

  constructor({ binding, handler, context, inFlight }: OwnStreamOptions) {
    const { stream, group, batchSize, concurrency } = binding;
    this.#binding = binding;
    this.#context = context;
    this.#source = sourceName(context.pool.code, stream, group);
    this.#queue = new DeliveryQueue(binding);
    this.#settler = new DeliverySettler(binding, context);
    this.#runner = new BatchRunner({ binding, handler, settler: this.#settler, context, inFlight });
    this.#earlierAreDone = Promise.allSettled([...inFlight]);
    this.held = {
      entries: Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, 2 * batchSize * concurrency)),
      bytes: HELD_BYTES,
      page: PAGE,
    };
    context.budget.reading.addEventListener('abort', () => this.stop(), { once: true });
  }

  handle(entry: StreamEntry, done: Done): void {
    const failure = this.#failureOf(entry);
    if (this.#isOver) done(STAYS_PENDING);
    else if (isForAnotherGroup(entry, this.#binding.group))
      done(this.#orPending(this.#settler.settle(entry)));
    else if (failure !== undefined)
      done(this.#orPending(this.#settler.moveToDeadLetters(entry, attemptsOf(entry), failure)));
    else {
      const isQueued = this.#queue.add(readDelivery(entry, this.#binding, this.#source, done));
      if (isQueued) this.#dispatchSoon();
      else done(STAYS_PENDING);
    }
  }

  /** Nothing more will come to share a batch with. */
  readingEnded(): void {
    this.#queue.flush();
    this.#dispatch();
  }

  /** What can begin now still begins; all else stays pending. */
  stop(): void {
    if (this.#isOver) return;
    if (this.#context.budget.mayExecute) this.readingEnded();
    this.#isOver = true;
    clearTimeout(this.#wake);
    for (const [timer, batch] of this.#pauses) {
      clearTimeout(timer);
      this.#leave(batch);
    }
    this.#pauses.clear();
    this.#leave(this.#queue.leaveAll());
  }

  /** Why an entry is given up without being tried. */
  #failureOf(entry: StreamEntry): HandlerFailure | undefined {
    if (entry.fields === undefined) {
      const message = 'the entry was pending, but somebody has deleted it from the stream';
      return { code: 'deleted-entry', message };
    }
    const attempts = attemptsOf(entry);
    if (attempts <= this.#binding.retries) return undefined;
    return { code: 'no-answer', message: `${attempts} attempts were begun, the last without an answer` };
  }

  async #orPending(settling: Promise<EntryOutcome | undefined>): Promise<EntryOutcome> {
    return (await settling) ?? STAYS_PENDING;
  }

  /** What is handed over in one turn shares a batch. */
  #dispatchSoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#wake);
    while (!this.#isOver && this.#running < this.#binding.concurrency) {
      const batch = this.#queue.take();
      if (batch === undefined) break;
      void this.#run(batch);
    }
    const dueInMs = this.#queue.dueInMs();
    const mayRun = !this.#isOver && this.#running < this.#binding.concurrency;
    if (dueInMs !== undefined && mayRun) this.#wake = setTimeout(() => this.#dispatch(), dueInMs);
  }

  async #run(batch: readonly Delivery[]): Promise<void> {
    this.#running++;
    await this.#earlierAreDone;
    const { finished, again } = await this.#runner.run(batch);
    this.#running--;
    for (const { delivery, outcome } of finished) {
      if (outcome === undefined) this.#leave([delivery]);
      else this.#finish(delivery, outcome);
    }
    for (const one of again) this.#tryAgain(one);
    this.#dispatch();
  }

  #finish(delivery: Delivery, outcome: EntryOutcome): void {
    delivery.finish(outcome);
    this.#queue.release(delivery);
  }

  #tryAgain({ batch, pauseMs, mayShareBatch }: Retry): void {
    const comesTooLate = Date.now() + pauseMs >= this.#context.budget.executeUntil;
    if (this.#isOver || comesTooLate) {
      this.#leave(batch);
      return;
    }
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      if (mayShareBatch) for (const delivery of batch) this.#queue.addAgain(delivery);
      else this.#queue.addWhole([...batch]);
      this.#dispatch();
    }, pauseMs);
    this.#pauses.set(timer, batch);
  }

  /** Leaves deliveries pending, and with each those that must not overtake it. */
  #leave(batch: readonly Delivery[]): void {
    for (const delivery of batch) {
      delivery.finish(STAYS_PENDING);
      for (const behind of this.#queue.leaveLine(delivery)) behind.finish(STAYS_PENDING);
    }
  }
}
