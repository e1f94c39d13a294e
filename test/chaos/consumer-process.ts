import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildInstructions } from './child-instructions.ts';

const STDERR_TAIL_LENGTH = 4000;

/** `drained`: the process found nothing left to do. `failed`: it exited with an error, or by an unexpected signal. */
export type ProcessEnd =
  | { readonly kind: 'drained' }
  | { readonly kind: 'killed' }
  | { readonly kind: 'hung' }
  | { readonly kind: 'failed'; readonly exitCode: number | null };

/** A real process that runs a consumer. It starts idle and waits for its instructions. */
export class ConsumerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<ProcessEnd>;
  readonly #pausing: Promise<true>;
  readonly #draining: Promise<true>;
  #stderrTail = '';

  constructor() {
    this.#child = spawn(process.execPath, [`${import.meta.dirname}/consumer-child.ts`], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#pausing = new Promise((resolve) => {
      this.#child.stdout?.once('data', () => resolve(true));
    });
    this.#draining = new Promise((resolve) => {
      this.#child.once('message', () => resolve(true));
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderrTail = (this.#stderrTail + chunk.toString()).slice(-STDERR_TAIL_LENGTH);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve({ kind: 'failed', exitCode: null }));
      this.#child.once('exit', (exitCode, signal) => resolve(toProcessEnd(exitCode, signal)));
    });
  }

  /** The last lines that the process wrote to its standard error. */
  get stderrTail(): string {
    return this.#stderrTail;
  }

  start(instructions: ChildInstructions): void {
    this.#child.send(instructions);
  }

  /** Waits for the process to end. A process that takes longer than `timeoutMs` is killed and counts as hung. */
  async waitForEnd(timeoutMs: number): Promise<ProcessEnd> {
    const timeout = new AbortController();
    const hung = sleep(timeoutMs, 'hung' as const, { signal: timeout.signal }).catch(() => 'ended' as const);
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

  /** Resumes the process after it has paused itself. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** True once the process holds a lock and drains; false if it ends before. */
  waitUntilDraining(): Promise<boolean> {
    return Promise.race([this.#draining, this.#ended.then(() => false)]);
  }

  /** True once the process pauses itself, which it announces just before; false if it ends without pausing. */
  waitUntilPaused(): Promise<boolean> {
    return Promise.race([this.#pausing, this.#ended.then(() => false)]);
  }
}

function toProcessEnd(exitCode: number | null, signal: NodeJS.Signals | null): ProcessEnd {
  if (signal === 'SIGKILL') return { kind: 'killed' };
  return exitCode === 0 ? { kind: 'drained' } : { kind: 'failed', exitCode };
}
