import { Command } from 'commander';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { addConsumeOptions, addOutputOptions, type ConsumeOptions } from '../options/shared-options.ts';
import { type Display, showWork } from '../output/display.ts';
import { writeSummary } from '../output/report.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { withConsumer } from '../with-consumer.ts';

/** Each drain ends by itself after a while: the next one opens a new epoch, and takes up what was left. */
const DRAIN_MS = 600_000;

/** `consumer run`: until it is told to stop. */
export function runCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('run')
    .summary('keep consuming until it is stopped')
    .description('Keep consuming until SIGTERM or SIGINT, which finish what is in flight and exit 0.');
  command.requiredOption('--registry <file>', "the application's BeeORM registry (YAML)");
  addOutputOptions(addConsumeOptions(command));
  command.addHelpText('after', HELP);
  return command.action(async (options: ConsumeOptions) => {
    const summary = await showWork(context, options.logLevel, (display, signal) =>
      run(context, options, display, signal),
    );
    writeSummary(context.stdout, summary, options.json);
    onExit(EXIT_CODES.done);
  });
}

function run(
  context: ProgramContext,
  options: ConsumeOptions,
  display: Display,
  signal: AbortSignal,
): Promise<DrainSummary> {
  return runUntilStopped(
    (onProgress) =>
      withConsumer(context, options, display.logger, (consumer) =>
        consumer.drain({ budgetMs: DRAIN_MS, isTail: true, signal, onProgress }),
      ),
    signal,
    display,
  );
}

const HELP = `
While another consumer is running, or a server is down, it tries again every 5 seconds.
What is wrong from the start ends it with exit code 1. A second Ctrl-C ends it at once (130).`;
