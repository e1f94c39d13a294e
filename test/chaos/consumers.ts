import type { Difference } from '../kit/difference.ts';
import type { ChildInstructions } from './child-instructions.ts';
import { ConsumerProcess, type ProcessEnd } from './consumer-process.ts';

const TIMEOUT_MS = 60_000;
export const BUDGET_MS = 20_000;

export interface ConsumersOptions {
  /** Instructions that all processes share. */
  readonly instructions: Pick<ChildInstructions, 'registryYaml' | 'ordering' | 'broken' | 'handledFile'>;
  readonly log: (line: string) => void;
}

/** Instructions for a single process. By default it drains without a fault until the streams are empty. */
export type ProcessInstructions = Partial<
  Pick<ChildInstructions, 'registryYaml' | 'selfSignal' | 'lossSeed' | 'isTail' | 'budgetMs'>
>;

/** Starts consumer processes ahead of time, and records those that end unexpectedly. */
export class Consumers {
  /** Processes that hung or failed. */
  readonly failures: Difference[] = [];
  readonly #options: ConsumersOptions;
  readonly #started: ConsumerProcess[] = [];
  readonly #idle = [new ConsumerProcess(), new ConsumerProcess()];

  constructor(options: ConsumersOptions) {
    this.#options = options;
  }

  /** Uses a process that was started ahead of time, and starts the next one in the background. */
  start(instructions: ProcessInstructions): ConsumerProcess {
    const { ordering, broken, handledFile } = this.#options.instructions;
    const { registryYaml = this.#options.instructions.registryYaml } = instructions;
    const { selfSignal = null, lossSeed = null, isTail = false, budgetMs = BUDGET_MS } = instructions;
    const process = this.#idle.shift() ?? new ConsumerProcess();
    this.#idle.push(new ConsumerProcess());
    this.#started.push(process);
    process.start({
      registryYaml,
      ordering,
      broken,
      handledFile,
      selfSignal,
      lossSeed,
      isTail,
      budgetMs,
    });
    return process;
  }

  async waitForEnd(process: ConsumerProcess, timeoutMs = TIMEOUT_MS): Promise<ProcessEnd> {
    const end = await process.waitForEnd(timeoutMs);
    const failure = describeFailure(end, timeoutMs);
    if (failure !== undefined)
      this.failures.push({ kind: 'unfinished', what: `${failure}: ${process.stderrTail}` });
    this.#options.log(`  ${(performance.now() / 1000).toFixed(1)} s: ${end.kind} ${process.stderrTail}`);
    return end;
  }

  /** Must always be called: some processes still wait for instructions, and one may have paused itself. */
  close(): void {
    for (const process of [...this.#idle, ...this.#started]) process.kill();
  }
}

function describeFailure(end: ProcessEnd, timeoutMs: number): string | undefined {
  switch (end.kind) {
    case 'hung':
      return `a consumer did not finish within ${timeoutMs} ms`;
    case 'failed':
      return `a consumer exited with code ${end.exitCode}`;
    case 'drained':
    case 'killed':
      return undefined;
  }
}
