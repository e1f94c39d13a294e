import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Orders } from './child-instructions.ts';

const LAST_WORDS = 4000;

/** `drained`: it found nothing more to do. `failed`: it ended in a way that nobody asked for. */
export type ProcessEnd =
  | { readonly kind: 'drained' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'hung' }
  | { readonly kind: 'failed'; readonly exitCode: number | null };

/** A real process that runs a consumer; started ahead of its orders. */
export class ConsumerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<ProcessEnd>;
  readonly #stopping: Promise<true>;
  readonly #draining: Promise<true>;
  #lastWords = '';

  constructor() {
    this.#child = spawn(process.execPath, [`${import.meta.dirname}/consumer-child.ts`], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#stopping = new Promise((resolve) => {
      this.#child.stdout?.once('data', () => resolve(true));
    });
    this.#draining = new Promise((resolve) => {
      this.#child.once('message', () => resolve(true));
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-LAST_WORDS);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve({ kind: 'failed', exitCode: null }));
      this.#child.once('exit', (exitCode, signal) => resolve(endOf(exitCode, signal)));
    });
  }

  /** What it said last on its standard error. */
  get lastWords(): string {
    return this.#lastWords;
  }

  begin(orders: Orders): void {
    this.#child.send(orders);
  }

  /** Waits for its end; one that takes longer is killed, and counts as hung. */
  async end(withinMs: number): Promise<ProcessEnd> {
    const timeout = new AbortController();
    const hung = sleep(withinMs, 'hung' as const, { signal: timeout.signal }).catch(() => 'ended' as const);
    const first = await Promise.race([this.#ended, hung]);
    timeout.abort();
    if (typeof first === 'object') return first;
    this.kill();
    await this.#ended;
    return { kind: 'hung' };
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets it go on after it has stopped itself. */
  wake(): void {
    this.#child.kill('SIGCONT');
  }

  /** Whether it has begun to drain, which it says once it has a lock; false where it ended before. */
  draining(): Promise<boolean> {
    return Promise.race([this.#draining, this.#ended.then(() => false)]);
  }

  /** Whether it has stopped itself, which it says right before; false where it ended without. */
  stopped(): Promise<boolean> {
    return Promise.race([this.#stopping, this.#ended.then(() => false)]);
  }
}

function endOf(exitCode: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (signal === 'SIGKILL') return { kind: 'killed' };
  return exitCode === 0 ? { kind: 'drained' } : { kind: 'failed', exitCode };
}
