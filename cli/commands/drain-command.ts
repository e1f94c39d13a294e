import { Command, Option } from 'commander';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode, exitCodeOf } from '../exit-codes.ts';
import { duration } from '../options/option-values.ts';
import { addConsumeOptions, addOutputOptions, type ConsumeOptions } from '../options/shared-options.ts';
import { addTargetOptions, type TargetOptions } from '../options/target-options.ts';
import { withDisplay } from '../output/display.ts';
import { formatOutcome, writeSummary } from '../output/report.ts';
import { withConsumer } from '../with-consumer.ts';

const DEFAULT_BUDGET_MS = 50_000;

interface DrainCommandOptions extends ConsumeOptions, TargetOptions {
  /** In milliseconds. */
  readonly budget: number;
  readonly tail: boolean;
}

/** `consumer drain`: drains until the streams are empty or the budget ends. */
export function drainCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('drain')
    .summary('drain all channels, then exit')
    .description('Drain all channels until their streams are empty or the budget is used up.')
    .addOption(
      new Option('--budget <duration>', 'maximum duration of the drain, such as 1500ms, 50s or 2m')
        .argParser(duration)
        .default(DEFAULT_BUDGET_MS, '50s'),
    )
    .option(
      '--tail',
      'wait for new entries until the budget is used up, instead of exiting when the streams are empty',
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
  return withDisplay(context, options.logLevel, ({ logger, progress }, signal) =>
    withConsumer(context, options, logger, (consumer) => {
      // The budget limits the whole command, which includes the time to connect.
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
  2  entries remain: the budget is used up, the drain was interrupted, or some entries cannot be applied at present

The first Ctrl-C finishes the entries in flight. A second one exits immediately (130).`;
