import type { Difference } from '../kit/difference.ts';
import type { Orders } from './child-instructions.ts';
import { ConsumerProcess, type ProcessEnd } from './consumer-process.ts';

const END_WITHIN_MS = 60_000;
const BUDGET_MS = 20_000;

export interface ConsumersOptions {
  /** What all of them are told. */
  readonly orders: Pick<Orders, 'registryYaml' | 'ordering' | 'broken' | 'handledFile'>;
  /** Told of what happens, line by line. */
  readonly tell: (line: string) => void;
}

/** Begins consumer processes, started ahead, and sees to their ends. */
export class Consumers {
  /** Processes that did not come to an end, or ended in a way that nobody asked for. */
  readonly failures: Difference[] = [];
  readonly #options: ConsumersOptions;
  readonly #begun: ConsumerProcess[] = [];
  readonly #spares = [new ConsumerProcess(), new ConsumerProcess()];

  constructor(options: ConsumersOptions) {
    this.#options = options;
  }

  /** A process that was started ahead; the next ones start meanwhile. */
  begin(orders: Partial<Orders>): ConsumerProcess {
    const process = this.#spares.shift() ?? new ConsumerProcess();
    this.#spares.push(new ConsumerProcess());
    this.#begun.push(process);
    process.begin({
      ...this.#options.orders,
      end: null,
      lossSeed: null,
      isTail: false,
      budgetMs: BUDGET_MS,
      ...orders,
    });
    return process;
  }

  async end(process: ConsumerProcess): Promise<ProcessEnd> {
    const end = await process.end(END_WITHIN_MS);
    const failure = failureOf(end);
    if (failure !== undefined)
      this.failures.push({ kind: 'unfinished', what: `${failure}: ${process.lastWords}` });
    this.#options.tell(`  ${(performance.now() / 1000).toFixed(1)} s: ${end.kind} ${process.lastWords}`);
    return end;
  }

  /** To be called in any case: some processes wait for orders, and one may have stopped itself. */
  close(): void {
    for (const process of [...this.#spares, ...this.#begun]) process.kill();
  }
}

function failureOf(end: ProcessEnd): string | undefined {
  switch (end.kind) {
    case 'hung':
      return `a consumer had not drained after ${END_WITHIN_MS} ms`;
    case 'failed':
      return `a consumer ended with exit code ${end.exitCode}`;
    case 'drained':
    case 'killed':
      return undefined;
  }
}
