import { Command, CommanderError } from 'commander';
import { BackgroundConsumerError, withNextStep } from '../shared/errors.ts';
import { errorFields } from '../shared/logging.ts';
import { deadLettersCommand } from './commands/dead-letters-command.ts';
import { drainCommand } from './commands/drain-command.ts';
import { runCommand } from './commands/run-command.ts';
import { statusCommand } from './commands/status-command.ts';
import type { ProgramContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { printable } from './output/table.ts';

/**
 * Runs the program `consumer`.
 *
 * @param programArguments without the paths of Node and the script
 * @returns the exit code
 */
export async function runProgram(
  programArguments: readonly string[],
  context: ProgramContext,
): Promise<number> {
  let exitCode: number = EXIT_CODES.done;
  const onExit = (code: number): void => {
    exitCode = code;
  };
  const program = new Command('consumer')
    .description("Consumes a BeeORM application's Redis Streams into MySQL.")
    .addCommand(drainCommand(context, onExit))
    .addCommand(runCommand(context, onExit))
    .addCommand(deadLettersCommand(context, onExit))
    .addCommand(statusCommand(context, onExit));
  inheritSettings(program, context);
  try {
    await program.parseAsync(programArguments, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    context.stderr.write(`error: ${describeError(error)}\n`);
    return EXIT_CODES.error;
  }
}

/** Makes the command and its subcommands throw errors instead of exiting the process. */
function inheritSettings(
  command: Command,
  { stdout, stderr }: Pick<ProgramContext, 'stdout' | 'stderr'>,
): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .showHelpAfterError(`Run \`${fullName(command)} --help\` for usage.`);
  for (const subcommand of command.commands) inheritSettings(subcommand, { stdout, stderr });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** One line with the next step. An unexpected error is reduced to the fields that cannot contain row values. */
function describeError(error: unknown): string {
  if (error instanceof BackgroundConsumerError) return printable(withNextStep(error.message, error.nextStep));
  return `unexpected error: ${JSON.stringify(errorFields(error))}`;
}
