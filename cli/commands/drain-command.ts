import { Command, Option } from 'commander';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { duration } from '../options/option-values.ts';
import { addConsumeOptions, addOutputOptions, type ConsumeOptions } from '../options/shared-options.ts';
import { addTargetOptions, type TargetOptions } from '../options/target-options.ts';
import { showWork } from '../output/display.ts';
import { formatOutcome, writeSummary } from '../output/report.ts';
import { withConsumer } from '../with-consumer.ts';

const DEFAULT_BUDGET_MS = 50_000;

interface DrainCommandOptions extends ConsumeOptions, TargetOptions {
  /** In milliseconds. */
  readonly budget: number;
  readonly tail: boolean;
}

/** `consumer drain`: until the streams are empty or the time is over. */
export function drainCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('drain')
    .summary('drain all channels, then end')
    .description('Drain all channels until they are empty or the budget ends.')
    .addOption(
      new Option('--budget <duration>', 'time that it may take, such as 1500ms, 50s or 2m')
        .argParser(duration)
        .default(DEFAULT_BUDGET_MS, '50s'),
    )
    .option(
      '--tail',
      'wait for new entries until the budget ends, rather than ending with the streams',
      false,
    );
  addOutputOptions(addConsumeOptions(addTargetOptions(command)));
  command.addHelpText('after', EXIT_CODE_HELP);
  return command.action(async (options: DrainCommandOptions) => {
    const summary = await drain(context, options);
    const exitCode = exitCodeOf(summary);
    writeSummary(context.stdout, summary, options.json);
    if (exitCode === EXIT_CODES.error) context.stderr.write(`error: ${formatOutcome(summary)}\n`);
    onExit(exitCode);
  });
}

function drain(context: ProgramContext, options: DrainCommandOptions): Promise<DrainSummary> {
  const startedAt = performance.now();
  return showWork(context, options.logLevel, ({ logger, progress }, signal) =>
    withConsumer(context, options, logger, (consumer) => {
      // Connecting counts as well: who waits for the program has set the time for all of it.
      const budgetMs = Math.max(1, options.budget - (performance.now() - startedAt));
      return consumer.drain({
        budgetMs,
        isTail: options.tail,
        signal,
        onProgress: (summary) => progress.update(summary),
      });
    }),
  );
}

const EXIT_CODE_HELP = `
Exit code:
  0  drained, or another consumer is running ("complete": false, "reason": "locked")
  1  configuration or connection error
  2  entries are left: the budget is over, or entries can't be applied now

A first Ctrl-C finishes what is in flight, a second one ends at once (130).`;
