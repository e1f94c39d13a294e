import { Command } from 'commander';
import type { DrainSummary } from '../../shared/drain-summary.ts';
import type { ProgramContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { addConsumeOptions, addOutputOptions, type ConsumeOptions } from '../options/shared-options.ts';
import { type Display, withDisplay } from '../output/display.ts';
import { writeSummary } from '../output/report.ts';
import { runUntilStopped } from '../run-until-stopped.ts';
import { withConsumer } from '../with-consumer.ts';

/** Limits each drain, because only the next one opens a new epoch and takes over pending entries. */
const DRAIN_MS = 600_000;

/** `consumer run`: consumes until it is stopped. */
export function runCommand(context: ProgramContext, onExit: (code: ExitCode) => void): Command {
  const command = new Command('run')
    .summary('consume until stopped')
    .description(
      'Consume until SIGTERM or SIGINT. Either one finishes the entries in flight, then exits with code 0.',
    );
  command.requiredOption('--registry <file>', "the application's BeeORM registry (YAML)");
  addOutputOptions(addConsumeOptions(command));
  command.addHelpText('after', HELP);
  return command.action(async (options: ConsumeOptions) => {
    const summary = await withDisplay(context, options.logLevel, (display, signal) =>
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
While another consumer is running or a server is down, the command retries every 5 seconds.
An error at startup, such as an invalid registry, exits with code 1.
A second Ctrl-C exits immediately (130).`;
