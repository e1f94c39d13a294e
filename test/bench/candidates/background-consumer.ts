import { startProgram } from '../child-program.ts';
import type { Load } from '../loads/load.ts';
import { type ConsumerReport, consumerReport, type ExecutorName } from '../programs/consumer-parameters.ts';
import type { Testbed } from '../testbed.ts';
import type { Candidate, Figures } from './candidate.ts';

export interface BackgroundConsumerOptions {
  readonly testbed: Testbed;
  readonly registryFile: string;
  readonly load: Load;
  /** Default: `background-consumer`. */
  readonly name?: string;
  /** Default: `mysql`, the real executor. */
  readonly executor?: ExecutorName;
}

export const BACKGROUND_CONSUMER = 'background-consumer';

/** This project's poller and executor, together in one process. */
export function backgroundConsumer(options: BackgroundConsumerOptions): Candidate {
  const { testbed, load, executor = 'mysql', name = BACKGROUND_CONSUMER } = options;
  return {
    name,
    run: async () => {
      await testbed.fill(load);
      const report = await drainOnce(options.registryFile, executor);
      if (report.entries !== load.entries)
        throw new Error(`${name} settled ${report.entries} of ${load.entries} entries`);
      if (executor !== 'instant') await testbed.verify(load, name);
      return toFigures(report);
    },
  };
}

/** Runs the consumer until the streams are empty. */
export async function drainOnce(registryFile: string, executor: ExecutorName): Promise<ConsumerReport> {
  const { result } = startProgram({ name: 'consumer' }, '--registry', registryFile, '--executor', executor);
  return consumerReport.parse(await result);
}

function toFigures(report: ConsumerReport): Figures {
  return {
    rate: report.entries / report.seconds,
    'time per entry': (report.seconds / report.entries) * 1e6,
    'peak memory': report.peakBytes / 1e6,
    'items per batch': report.items / report.batches,
    'time per batch': (report.executorSeconds / report.batches) * 1000,
    'processor time per entry': (report.processorSeconds / report.entries) * 1e6,
  };
}
