import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutorReply, ExecutorRequest, SqlExecutor } from '../../shared/protocol.ts';
import type { Random } from '../kit/generate/random.ts';

const LOSS_RATE = 0.15;
const MAX_DELAY_MS = 120;

/** Loses some requests and some replies. A lost request may still be executed, later. */
export class LossyExecutor implements SqlExecutor {
  readonly #inner: SqlExecutor;
  readonly #random: Random;

  constructor(inner: SqlExecutor, random: Random) {
    this.#inner = inner;
    this.#random = random;
  }

  async execute(request: ExecutorRequest): Promise<ExecutorReply> {
    if (!this.#random.chance(LOSS_RATE)) return this.#inner.execute(request);
    const delayMs = this.#random.integer(0, MAX_DELAY_MS);
    switch (this.#random.pick(['request', 'reply', 'late'] as const)) {
      case 'request':
        break;
      case 'reply':
        await this.#inner.execute(request);
        break;
      case 'late':
        void sleep(delayMs).then(() => this.#inner.execute(request));
        await sleep(this.#random.integer(0, MAX_DELAY_MS));
        break;
    }
    throw new Error('the reply to the invocation was lost');
  }
}
