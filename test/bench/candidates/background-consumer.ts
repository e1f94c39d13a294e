import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { type ConsumerReport, consumerReport, type ExecutorName } from '../programs/consumer-parameters.ts';
import type { Stage } from '../testbed.ts';
import type { Contestant, Figures } from './candidate.ts';

export interface OursOptions {
  readonly stage: Stage;
  readonly registryFile: string;
  readonly load: Load;
  /** Default: `background-consumer`. */
  readonly name?: string;
  /** Default: `mysql`, the real one. */
  readonly executor?: ExecutorName;
}

export const OURS = 'background-consumer';

/** The poller and the executor of this project, in one process of their own. */
export function ours(options: OursOptions): Contestant {
  const { stage, load, executor = 'mysql', name = OURS } = options;
  return {
    name,
    turn: async () => {
      await stage.fill(load);
      const report = await drainOnce(options.registryFile, executor);
      if (report.entries !== load.entries) throw new Error(`${name} settled ${report.entries} entries`);
      if (executor !== 'instant') await stage.check(load, name);
      return figuresOf(report);
    },
  };
}

/** Runs the consumer until the streams are empty. */
export async function drainOnce(registryFile: string, executor: ExecutorName): Promise<ConsumerReport> {
  const { result } = startProgram({ name: 'consumer' }, '--registry', registryFile, '--executor', executor);
  return consumerReport.parse(await result);
}

function figuresOf(report: ConsumerReport): Figures {
  return {
    rate: report.entries / report.seconds,
    'time per entry': (report.seconds / report.entries) * 1e6,
    'peak memory': report.peakBytes / 1e6,
    'items per batch': report.items / report.batches,
    'time per batch': (report.executorSeconds / report.batches) * 1000,
    'processor time per entry': (report.processorSeconds / report.entries) * 1e6,
  };
}
